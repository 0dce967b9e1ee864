/* What pymalloc has taken from the system, and what is in use of it. */
#ifndef MP_CAPTURE_HOOKS_PYTHON_ARENAS_H
#define MP_CAPTURE_HOOKS_PYTHON_ARENAS_H

#include <stdbool.h>
#include <stdint.h>

struct mp_arenas {
    int64_t taken; /* bytes in arenas; 0: pymalloc is not in use, -1: not known */
    int64_t used;  /* bytes in its blocks, whoever asked for them; -1: not known */
};

/* Counts arenas from now on. With the interpreter's lock. */
void mp_arenas_follow(void);

/* Whether what is taken for arenas is not followed: another tool may have put its own in our place. */
bool mp_arenas_are_muted(void);

/* Whether pymalloc hands out mem and object blocks, nobody before it. */
bool mp_arenas_are_pymallocs(void);

/* Asks pymalloc, which looks at each of its pools: some 10 ms a GiB. With the interpreter's lock;
   allocates with malloc. */
struct mp_arenas mp_arenas_ask(void);

/* Bytes in arenas taken, less those given back, since mp_arenas_follow(). */
int64_t mp_arenas_counted(void);

/* Pages that were never used, of the arena taken last: pymalloc takes one when the others are full. */
int64_t mp_arenas_untouched(void);

#endif
