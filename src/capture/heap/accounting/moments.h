/* Moments: what each stack held at points of the time series, and at marks, for the views that ask
 * what grew between two of them. They are exact, and taken in pieces, so that nobody waits for long:
 *
 *     nodes   [ seen, in the slot | not seen: saved before they change | later than the moment ]
 *                                 ^ at, a piece further at each look    ^ end
 *
 * The slots of the series are few. When they are full every second is given back and the period
 * doubles, as the series does. A slot is listed when it is complete: whoever reads meanwhile, or a
 * kill, finds those that are. Taking them takes 0.5% of the time.
 *
 * With the biased lock. Allocates with mmap only.
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_MOMENTS_H
#define MP_CAPTURE_HEAP_ACCOUNTING_MOMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/heap.h"

/* A node's values at the moment that scan `scan` takes. */
struct mp_moment_saved {
    int64_t bytes;
    uint32_t blocks, scan;
};

struct mp_moments {
    struct mp_heap *heap; /* borrowed */
    struct mp_moment_saved
        *saved; /* owned: by node; NULL until a scan is longer than a piece */
    size_t saved_bytes;
    unsigned most[2]; /* slots of the series, and of marks; 0: none are taken */
    int64_t next;     /* when one of the series is due, ns since the start */
    uint32_t scans;   /* begun, ever: the number of the one under way */
    uint32_t saves;   /* in it */
    bool scanning;
    uint32_t at, end; /* nodes */
    uint32_t slot;
    int64_t least, enough;      /* bytes that a stack with an entry has, now and at most */
    int64_t cost;               /* ns that it took so far */
    struct mp_heap_moment made; /* what the slot's head will be */
    struct mp_heap_request *request; /* that it answers, or NULL */
    bool kept_waiting; /* something changed since the next one may have been asked for */
};

/* None are taken of a capture that nobody can read later, and where MPROF_MOMENTS=0 is in the
   environment. */
void mp_moments_init(struct mp_moments *, struct mp_heap *);
void mp_moments_release(struct mp_moments *);

/* The clock was read: begins what is due, or goes on. */
void mp_moments_look(struct mp_moments *, int64_t now);

/* Begins a mark, instead of a moment of the series that is under way. Returns the number of the scan,
   0 where there is no room for it, or a mark is under way. */
uint32_t mp_moments_mark(struct mp_moments *, int64_t now, const char *name, size_t length);

/* A piece of the scan that is under way. */
void mp_moments_go_on(struct mp_moments *);

/* Begins the marks that other processes asked for; after each, some of its pieces. */
void mp_moments_answer(struct mp_moments *, int64_t now);

/* The recording ends: all is taken that is under way, or was asked. */
void mp_moments_end(struct mp_moments *, int64_t now);

/* Before a node changes, while one is taken. */
void mp_moments_save(struct mp_moments *, uint32_t node);

/* Whether a mark is under way. */
static inline bool mp_moments_are_marking(const struct mp_moments *moments)
{
    return moments->scanning && moments->made.flags & MP_HEAP_IS_MARK;
}

/* Whether there is anything to do when the clock was read. */
static inline bool mp_moments_are_due(const struct mp_moments *moments, int64_t now)
{
    return moments->scanning || now >= moments->next;
}

/* Says that somebody wants, or nobody wants, to be told of nodes before they change. Other processes
   set their bit too. */
static inline void mp_heap_want(struct mp_heap_header *header, enum mp_heap_tell who,
                                bool wants)
{
    if (wants)
        __atomic_fetch_or(&header->tell, (uint32_t)who, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&header->tell, ~(uint32_t)who, __ATOMIC_RELAXED);
}

#endif
