/* What the hooks keep of each thread: taken from pages of our own, used again when it has ended. */
#ifndef MP_CAPTURE_HEAP_PYTHON_THREADS_H
#define MP_CAPTURE_HEAP_PYTHON_THREADS_H

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "capture/heap/accounting/flow.h"
#include "capture/heap/accounting/sample.h"
#include "capture/heap/frames/walk.h"
#include "record/heap.h"

struct mp_hooked {
    struct mp_sample sample; /* where only some blocks are recorded */
    unsigned session;
    uint32_t label;                /* the stack that is its name; 0 until it is needed */
    uint32_t label_root;           /* where all stacks began then */
    struct mp_heap_thread *totals; /* in the capture `session` is about */
    uintptr_t last;                /* the block recorded last */
    uint32_t last_counts;          /* for so many blocks */
    int64_t last_until; /* what sample.until was then: another block changes it */
    int *error;         /* its errno */
    PyThreadState *const
        *holding;             /* the state with which it holds the interpreter's lock */
    struct mp_flow flow;      /* of all sessions */
    bool aside;               /* what it allocates is our own */
    const void *context;      /* that its tag was looked up in, */
    uint64_t context_version; /* and that of its stack of contexts; */
    bool tag_changed;         /* the program changed it since */
    struct mp_walker walker;
    struct mp_hooked *next; /* of the free ones */
    struct mp_hooked *more; /* of the first of a stretch: the next stretch */
};

extern __thread struct mp_hooked *mp_hooked_own __attribute__((tls_model("initial-exec")));

/* The calling thread's own, else one that skips nothing. */
extern __thread struct mp_sample *mp_hooked_sample
    __attribute__((tls_model("initial-exec")));

/* Before a session: no thread skips blocks any more until it has joined that one. */
void mp_hooked_end_skipping(void);

struct mp_hooked *mp_hooked_begin(struct mp_heap *, const struct mp_walk *,
                                  unsigned session);

/* The calling thread's, for this session: its row of totals is new if it has none. A thread whose
   end was already announced shares one with others of its kind. The caller holds the biased lock. */
static inline struct mp_hooked *mp_hooked_mine(struct mp_heap *heap,
                                               const struct mp_walk *walk, unsigned session)
{
    struct mp_hooked *own = mp_hooked_own;
    if (__builtin_expect(own && own->session == session, 1))
        return own;
    return mp_hooked_begin(heap, walk, session);
}

/* The calling thread's, of whatever session; NULL when it has none of its own. Needs no biased lock. */
struct mp_hooked *mp_hooked_ask(void);

/* 0, or -1 with errno. Once per process. */
int mp_hooked_init(void);

/* In a forked child: no other thread is left that could give back what it took. */
void mp_hooked_forked(void);

#endif
