/* The balance sheet of resident memory: what a reading of a heap capture adds up to.
 *
 *     RSS = live blocks + pymalloc's free space + malloc's + blocks not followed
 *           + libraries' data + pages of files + stacks + the profiler + remainder
 *
 * The remainder is what the other parts leave, or have too much: the sum is always exact.
 */
#ifndef MP_AGGREGATE_HEAP_BALANCE_H
#define MP_AGGREGATE_HEAP_BALANCE_H

#include "record/heap.h"

enum mp_heap_part {
    MP_HEAP_PART_LIVE, /* resident part of the heap */
    MP_HEAP_PART_POOLS,
    MP_HEAP_PART_FREE,  /* of malloc */
    MP_HEAP_PART_OTHER, /* in use, not of the heap: from before, headers, rounding */
    MP_HEAP_PART_BEFORE, /* of it, as much as was there when the process was attached to; known then */
    MP_HEAP_PART_LIBRARIES,
    MP_HEAP_PART_FILES,
    MP_HEAP_PART_STACKS,
    MP_HEAP_PART_OWN,
    MP_HEAP_PART_REMAINDER,
    MP_HEAP_PARTS
};

struct mp_heap_sheet {
    int64_t rss;    /* 0: there is no reading */
    int64_t time;   /* ns since the start */
    int64_t heap;   /* live bytes then */
    int64_t absent; /* of them not resident, so in no part */
    int64_t beside; /* large mappings' pages that are not resident: neither */
    int64_t parts[MP_HEAP_PARTS];
    bool known[MP_HEAP_PARTS]; /* what is not is 0, and in the remainder */
};

/* Of several processes there is none: they have pages in common, and were read at other moments. */
struct mp_heap_sheet mp_heap_sheet(const struct mp_heap_view *, enum mp_heap_reading);

/* The peak, as far as it was memory when it was read near it; and what was asked for or mapped then
   and not resident: never touched, or given back. */
struct mp_heap_held {
    int64_t held, reserved;
};

/* Reserved is 0 where it is not worth telling: below 1 MiB, or without a reading. */
struct mp_heap_held mp_heap_held(const struct mp_heap_view *);

/* What was resident when the process was attached to, ours not included; -1: it was not, or is not known. */
int64_t mp_heap_before(const struct mp_heap_view *);

/* Of each moment. */
void mp_heap_sheets(const struct mp_heap_view *, struct mp_heap_sheet[MP_HEAP_READINGS]);

#endif
