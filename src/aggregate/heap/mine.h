/* Which code is the user's own where the user says so, by patterns as shells have them.
 *
 *     pandas          a module, and all in it          src/app, *.py    a path, an end of it, a folder
 *     pkg.sub*        modules by their dotted names    !tests.*         likewise, and it is not
 *
 * Of several patterns that match the last one decides.
 */
#ifndef MP_AGGREGATE_HEAP_MINE_H
#define MP_AGGREGATE_HEAP_MINE_H

#include "aggregate/heap/own.h"

enum { MP_HEAP_MINE_MOST = 64 };

struct mp_heap_mine {
    struct mp_heap_pattern {
        const char *text; /* borrowed; not ended by NUL */
        size_t length;
        bool mine;
    } patterns[MP_HEAP_MINE_MOST];
    size_t count;
};

/* A pattern behind those there are. NULL, or what is wrong with it. */
const char *mp_heap_mine_add(struct mp_heap_mine *, const char *pattern, bool mine);

/* Those of a list as the environment has it: colons between, `!` before what is not the user's.
   Empty ones are none; those beyond the most are left out. */
void mp_heap_mine_add_list(struct mp_heap_mine *, const char *list);

/* Decides; memory_profiler's and the import machinery's frames stay what they are. 0, or -1 with errno
   ENOMEM. */
int mp_heap_mine_apply(const struct mp_heap_mine *, struct mp_heap_own *,
                       const struct mp_heap_view *);

#endif
