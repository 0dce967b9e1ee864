/* Which functions of a heap capture are memory_profiler's own, and which frames only started the
 * program: reports are about the program.
 *
 *     runpy ─► memory_profiler/_heap_run.py ─► work.py <module> ─► load
 *     └────────── outer, not shown ─────────┘
 *     ipykernel ─► asyncio ─► IPython run_code ─► Cell In[3] <module> ─► load
 *     └──────────────── outer ───────────────┘
 */
#ifndef MP_AGGREGATE_HEAP_OWN_H
#define MP_AGGREGATE_HEAP_OWN_H

#include <stdbool.h>
#include <stdint.h>

#include "record/heap.h"

struct mp_heap_own {
    uint8_t *codes; /* owned: what each code is */
    uint8_t *nodes; /* owned: whose each node is */
    bool *users;    /* owned: which codes are the user's own; others may decide otherwise */
    bool together;  /* what import machinery allocates is one line; set by the caller */
    struct mp_heap_text folder; /* ours, where it is not installed */
    unsigned anew;              /* how often nodes that were decided were decided again */
    size_t code_count, node_count, code_room, node_room, user_room; /* that are decided */
};

/* Ours are the files of a folder named memory_profiler that lies in site-packages or
   dist-packages, or holds the module that starts programs or the one that tracks.
   0, or -1 with errno ENOMEM. */
int mp_heap_own_init(struct mp_heap_own *, const struct mp_heap_view *);

/* The same of a capture that has grown: the codes and nodes that are new, as long as what was decided
   stays. Whose older codes are may change with them. 0, or -1 with errno ENOMEM. */
int mp_heap_own_grow(struct mp_heap_own *, const struct mp_heap_view *);
void mp_heap_own_release(struct mp_heap_own *);

/* Whether memory_profiler's own Python code runs in this node, or what it called of Python's
   library to start, to import or to end, but never what the program runs. */
bool mp_heap_own_is_ours(const struct mp_heap_own *, uint32_t node);

/* Whether this code is import machinery: several frames between an import statement and the module
   that it runs, as tracebacks leave them out. */
bool mp_heap_own_is_importer(const struct mp_heap_own *, uint32_t code);

/* Whether this code is the user's own: neither installed nor of Python's library. Where nothing is,
   the package that the program is of is: `python -m black`, or the script that pip made of it. */
bool mp_heap_own_is_users(const struct mp_heap_own *, uint32_t code);

/* Of each node the nearest that is the user's, itself included; 0: none is. `near` has room for all
   nodes; one pass. `own` NULL: nobody is. */
void mp_heap_own_nearest(const struct mp_heap_own *own, const struct mp_heap_view *,
                         uint32_t *near);

/* Whether it can be: neither ours, nor import machinery, nor what starts modules. */
bool mp_heap_own_may_be_users(const struct mp_heap_own *, uint32_t code);

/* Whether this node and all above it only started the program. The root is such a node. */
bool mp_heap_own_is_outer(const struct mp_heap_own *, uint32_t node);

/* Whether a file is of Python's library, by its path. */
bool mp_heap_is_library(const struct mp_heap_view *, struct mp_heap_text file);

#endif
