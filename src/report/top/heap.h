/* A heap while it is recorded, in rows.
 *
 *         live    +/s  since mark   at peak   blocks  temporary  your line
 *     62.6 MiB  +1.2M      +12.3M  62.6 MiB  999,952      4,730  report.py:23 daily_means
 */
#ifndef MP_REPORT_TOP_HEAP_H
#define MP_REPORT_TOP_HEAP_H

#include "aggregate/heap/live.h"
#include "aggregate/heap/live_stacks.h"
#include "report/top/screen.h"

struct mp_top_heap {
    struct mp_top_screen screen;
    const struct mp_heap_live *live;
    const uint32_t *order; /* of its rows, largest first */
    size_t count;
    enum mp_heap_live_order sort;
    int64_t heap, heap_growth, peak, rss; /* bytes, of all rows; rss -1: not known */
    int64_t
        before; /* of the RSS when it was attached to; -1: it was not, or is not known */
    double heap_rate;   /* bytes a second */
    uint64_t sample;    /* 0: every block is counted */
    const char *since;  /* what growth counts from: "14:32:10", "warm" */
    int64_t since_time; /* ns since the recording's start */
    size_t first;       /* row, or line of the stacks, that is shown first */
    size_t chosen;      /* row; SIZE_MAX: none */
    size_t most;        /* rows at most */
    bool help;          /* the keys and what they do, in place of rows */
    const struct mp_heap_live_stacks
        *stacks; /* in place of rows, those of row `of`; NULL */
    size_t of;
};

void mp_top_heap_print(FILE *, const struct mp_top_heap *);

/* How many lines the stacks take. */
size_t mp_top_heap_stack_lines(const struct mp_top_heap *);

/* One object on one line, in bytes and nanoseconds. */
void mp_top_heap_json(FILE *, const struct mp_top_heap *);

/* "your-line", "live": the word of that number in a list of them. Returns its room. */
const char *mp_top_word(const char *words, int number, char room[MP_HEAP_FIGURE]);

#endif
