/* What the live blocks of a heap are: by stack and type, at the end of a recording and at moments of it. */
#ifndef MP_RECORD_HEAP_CENSUS_H
#define MP_RECORD_HEAP_CENSUS_H

#include <stdint.h>

/* The first types are those of blocks that are no objects. */
enum {
    MP_HEAP_TYPE_UNKNOWN, /* of Python's allocators, and no object's that is known */
    MP_HEAP_TYPE_REUSED,  /* an object was there; Python keeps the block for the next */
    MP_HEAP_TYPE_NATIVE,  /* of malloc */
    MP_HEAP_TYPE_MAPPED,  /* of mmap: bytes without blocks */
    MP_HEAP_TYPES_FIRST   /* that is a class */
};

/* What one stack allocated that is of one type: its objects, and what objects of it, allocated there or
   elsewhere, keep in blocks of their own. Of all stacks together where the node is the root. */
struct mp_heap_typed {
    uint32_t node, type;
    int64_t blocks, bytes;
    int64_t kept_blocks, kept;
};

/* What they were at a moment of the run: so many rows of their table. */
enum mp_heap_census_of {
    MP_HEAP_CENSUS_PEAK, /* near it: the latest that has about as much as any; */
    MP_HEAP_CENSUS_MARK,
    MP_HEAP_CENSUS_ASKED, /* by another process; */
    MP_HEAP_CENSUS_KINDS  /* of these the one with the highest stamp counts */
};

struct mp_heap_census {
    int64_t time, live;          /* ns since the start; bytes then */
    uint32_t first, count, room; /* of the rows */
    uint32_t
        stamp; /* rises from one to the next; 0: there is none here, or it is being written */
    uint32_t of;   /* enum mp_heap_census_of */
    uint32_t mark; /* the stamp of the moment that it is beside */
};

#endif
