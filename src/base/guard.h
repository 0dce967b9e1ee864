/* Memory of ours that maps a file. Whoever cuts the file short takes its pages away, and the next
 * store there is a SIGBUS: it must not end the program that we are a guest of.
 *
 *     SIGBUS ─► ours? ── yes ─► an empty private page in its place, its owner is told, go on
 *                 └───── no ──► the program's own action, as if we were not there
 *
 * Our handler is the process's while such memory is there. It has the flags and the mask of the
 * program's action, which is kept beside it. Where calls of sigaction(2) and its like come to us
 * (capture/heap/native/hooks_signals.c), the program sets and sees its own. Where SIGBUS is ignored
 * there is no handler: what the program starts inherits that. A thread that blocks SIGBUS is not
 * helped, nor is anybody by the kernel.
 */
#ifndef MP_BASE_GUARD_H
#define MP_BASE_GUARD_H

#include <signal.h>
#include <stdbool.h>

/* The owner's; stays where it is until it is removed. */
struct mp_guarded {
    char *start, *end; /* whole pages */
    /* Some of it was lost, and is zeros now. Runs in a signal handler, in any thread, maybe several
       times; NULL: nobody is told. */
    void (*cut)(struct mp_guarded *);
    struct mp_guarded *next;
};

void mp_guard_add(struct mp_guarded *);
void mp_guard_remove(struct mp_guarded *); /* before it is unmapped */

/* The program's own action is the process's from here on until it is resumed: the caller asks the
   kernel for another, or what it is. False: it is already. Not to be nested. */
bool mp_guard_pause(sigset_t *mask);
void mp_guard_resume(const sigset_t *mask); /* errno stays */

#endif
