/* What made up the resident memory of a recording. */
#ifndef MP_RECORD_HEAP_BALANCE_H
#define MP_RECORD_HEAP_BALANCE_H

#include <stdint.h>

/* What made up the resident memory at a moment, as it was read; -1 where that could not be. What
   follows from it is in aggregate/heap/balance.h. All but `time` in bytes. */
struct mp_heap_balance {
    int64_t time; /* ns since the start */
    int64_t rss,
        shared;   /* resident (written last, 0: no reading); of it files and shared */
    int64_t heap; /* in tracked blocks and mappings */
    int64_t small, mapped; /* of the heap: in blocks as pymalloc serves them; in mappings */
    int64_t absent;        /* of the heap: pages that are not resident */
    int64_t mapped_shared; /* resident pages of mappings that are in `shared` */
    int64_t arenas, pooled; /* of pymalloc; in use in them, who ever allocated it */
    int64_t malloc_used, malloc_free; /* of malloc(3); free and resident */
    int64_t stacks, libraries;        /* of threads; private pages of mapped files */
    int64_t own, own_shared;          /* the recorder's; of that in `shared` */
    int64_t reserved; /* of large mappings, beside `heap`: pages that are not resident */
};

enum mp_heap_reading {
    MP_HEAP_AT_START,
    MP_HEAP_NEAR_PEAK,
    MP_HEAP_AT_END,
    MP_HEAP_READINGS
};

#endif
