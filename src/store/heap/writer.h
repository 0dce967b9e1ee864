/* What became of the process that writes a heap capture which was not closed. */
#ifndef MP_STORE_HEAP_WRITER_H
#define MP_STORE_HEAP_WRITER_H

#include "record/heap.h"

enum mp_heap_writer {
    MP_WRITER_UNKNOWN, /* a copy, another machine's, or somebody else's */
    MP_WRITER_RUNS,
    MP_WRITER_GONE
};

/* `fd` is the capture's. It runs when it holds the file, or has it mapped. It is gone when it does
   neither and this file is the one that it made, which a copy is not. */
enum mp_heap_writer mp_heap_writer_of(int fd, const struct mp_heap_header *);

/* Why a file that was not closed is incomplete. */
const char *mp_heap_writer_says(enum mp_heap_writer);

#endif
