/* A recording inside the one that is open: the figures of a stretch of the run, of what that stretch
 * allocated alone. It has no accounts of its own: while it is open every stack begins at a border, a
 * node made for it, so the nodes from there on are its own, and the whole recording's as well.
 *
 *     root ─┬─ main ─ load                     before: what it held and frees now is its own
 *           └─ border ─ main ─┬─ load          while the inner one was open: as for any recording,
 *                             └─ border ─ ...  they can lie in each other
 *
 * Only its peak is another than the whole one's: that is kept here, as the ledger keeps the other.
 * What one that is apart allocates is not counted by those around it: a hole in their nodes.
 * With the biased lock. Allocates with mmap only, but for the copy, which uses malloc too.
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_NEST_H
#define MP_CAPTURE_HEAP_ACCOUNTING_NEST_H

#include <stdbool.h>

#include "record/heap.h"

/* When a series has a new point: the whole recording's, and those of the ones inside. */
enum {
    MP_LEDGER_LARGE = 1 << 16,     /* bytes that are worth a reading */
    MP_LEDGER_INTERVAL = 10000000, /* ns between two readings that are due, at first */
};

enum { MP_NEST_HOLES = 32 /* of one recording; what comes after these is its own */ };

/* Which blocks it counts. */
struct mp_nest_terms {
    bool python; /* those of Python's allocators alone */
    bool apart;  /* and those around it do not count them */
    bool alone;  /* those of the calling thread alone */
    bool warm;   /* none that an import allocates: whoever is first imports for all */
};

/* A node's values at the peak, if `epoch` is the present one. */
struct mp_nest_peak {
    int64_t at_peak;
    uint32_t at_peak_blocks, epoch;
};

struct mp_nest {
    struct mp_nest *outer;      /* the one that was opened before it, or NULL */
    const struct mp_heap *heap; /* borrowed: the whole recording */
    uint32_t first;             /* the border */
    uint32_t end; /* 0 while it is open; then no node from here on is its own */
    uint32_t epoch;
    bool python, apart, warm;
    unsigned session; /* of the whole one's, which may be another in the same place later */
    const void *thread; /* the one it counts; NULL: all */
    int64_t live, peak;
    int64_t noted, timed_peak; /* what the series says */
    int64_t start;             /* monotonic, ns */
    int64_t began;             /* ns since the whole one's start */
    int64_t elapsed, peak_time;
    int64_t wall_start;
    uint64_t untracked, untracked_bytes, shortened, misplaced; /* the whole one's before */
    int64_t rss, rss_end;                                      /* when it began and ended */
    size_t bytes;                                              /* of all this */
    int hole_count;
    struct {
        uint32_t first, end, by;
    } holes[MP_NEST_HOLES]; /* nodes of those that were apart */
    struct mp_heap_series series;
    struct mp_nest_peak peaks[]; /* of its nodes */
};

/* One inside a whole recording that began at `start`, and in those that are open, from this node
   on. NULL with errno where there is no memory. */
struct mp_nest *mp_nest_new(const struct mp_heap *, struct mp_nest *outer, int64_t start,
                            uint32_t first, const struct mp_nest_terms *);
void mp_nest_release(struct mp_nest *);

/* The following are for all that are open, `nest` being the innermost. `rss`: the latest reading. */

/* Before a node's counters change by so many bytes. */
void mp_nest_change(struct mp_nest *, uint32_t stack, int64_t bytes, int64_t rss);

/* From the innermost one's first node on, where that is apart; and up to this node, when it ends. */
void mp_nest_open_hole(struct mp_nest *innermost);
void mp_nest_close_hole(struct mp_nest *innermost, uint32_t end);

/* The clock and maybe the RSS were read; `now`: ns since the whole one's start. */
void mp_nest_note_time(struct mp_nest *, int64_t now, int64_t rss);

/* Its totals. Of the nodes that it has, but for the peak. */
struct mp_nest_figures {
    int64_t live, peak;
    uint64_t total, blocks, live_blocks;
    int64_t rss, rss_end; /* when it began and ended */
    uint64_t untracked;
};

void mp_nest_figures(const struct mp_nest *, struct mp_nest_figures *);

/* What of it is live now, when it has ended and the whole one has not. */
int64_t mp_nest_kept(const struct mp_nest *);

/* Whether it counts what this node, one from its border on, has. */
bool mp_nest_counts(const struct mp_nest *, uint32_t node);

/* The same of any node. */
static inline bool mp_nest_has(const struct mp_nest *nest, uint32_t node)
{
    return node >= nest->first && (!nest->end || node < nest->end) &&
           mp_nest_counts(nest, node);
}

/* Writes it into an empty capture as a recording of its own. 0, or -1 with errno; stacks that have
   no room are their callers', and counted. `*numbers`, the caller's to free: what the nodes from the border on are in it;
   NULL: nobody asks. */
int mp_nest_copy(const struct mp_nest *, struct mp_heap *to, uint32_t **numbers);

#endif
