/* What pymalloc has taken from the system, and what is in use of it. */
#ifndef MP_CAPTURE_HEAP_PYTHON_ARENAS_H
#define MP_CAPTURE_HEAP_PYTHON_ARENAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The smallest arena there ever was; smaller pieces are for frames of threads, which pymalloc's
   statistics leave out. */
enum { MP_ARENAS_LEAST = 1 << 18 };

struct mp_arenas {
    int64_t taken; /* bytes in arenas; 0: pymalloc is not in use, -1: not known */
    int64_t used;  /* bytes in its blocks, whoever asked for them; -1: not known */
};

/* Counts arenas from now on, tells when there was no memory for one, and of each that is about to be
   given back. With the interpreter's lock. */
void mp_arenas_follow(void (*none)(void), void (*gone)(void *arena, size_t size));

/* Whether what is taken for arenas is not followed: another tool may have put its own in our place. */
bool mp_arenas_are_muted(void);

/* Whether pymalloc hands out mem and object blocks, nobody before it. */
bool mp_arenas_are_pymallocs(void);

/* Asks pymalloc, which looks at each of its pools: some 10 ms a GiB. With the interpreter's lock;
   allocates with malloc. */
struct mp_arenas mp_arenas_ask(void);

/* Bytes in arenas taken, less those given back, since mp_arenas_follow(). */
int64_t mp_arenas_counted(void);

/* Pages that are not resident of what was taken since, of pieces of at least so many bytes: pymalloc
   has taken them and not used yet, or not the end of a pool. Every page is asked, some 0.1 ms for each
   100 MiB; when not `whole` those of some 128 pieces, which stand for all. */
int64_t mp_arenas_untouched(size_t least, bool whole);

#endif
