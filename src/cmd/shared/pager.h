/* Long text on a terminal goes through the user's pager, as git's does: MPROF_PAGER, else PAGER, else
 * less. It is kept in a file meanwhile, so that whatever the pager does nothing of it is lost.
 *
 *     mp_pager_begin(&pager); ... printf ... mp_pager_end(&pager);
 */
#ifndef MP_CMD_SHARED_PAGER_H
#define MP_CMD_SHARED_PAGER_H

struct mp_pager {
    int terminal, text; /* descriptors of standard output and of the file; -1: not begun */
};

/* Keeps what is printed from here on, where it goes to a terminal that can page, and somebody can
   read what is shown. */
void mp_pager_begin(struct mp_pager *);

/* Shows it: through the pager when it is longer than the terminal, else, and where the pager fails
   or reads none of it, as it is. */
void mp_pager_end(struct mp_pager *);

#endif
