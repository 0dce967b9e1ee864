/* What the engine whose worker a process is says of its memory, in the header of a capture. */
#ifndef MP_RECORD_HEAP_ENGINE_H
#define MP_RECORD_HEAP_ENGINE_H

#include <stdint.h>

/* One look, in bytes. What is not managed is the rest of the RSS. */
struct mp_engine_look {
    int64_t time; /* ns since the start; 0: nobody looked */
    int64_t rss;
    int64_t managed; /* what the engine takes its data in memory for */
    int64_t spilled; /* of its data, on the disk */
    int64_t heap;    /* live in the capture then */
};

enum mp_engine_when {
    MP_ENGINE_LAST,
    MP_ENGINE_MOST /* RSS of all looks */,
    MP_ENGINE_LOOKS
};

struct mp_heap_engine {
    struct mp_engine_look looks[MP_ENGINE_LOOKS];
    int64_t limit; /* that the worker has of the engine, bytes; 0: none */
};

/* Bytes of RSS that the engine does not manage. */
static inline int64_t mp_engine_unmanaged(const struct mp_engine_look *look)
{
    return look->managed <= 0           ? look->rss
           : look->managed >= look->rss ? 0
                                        : look->rss - look->managed;
}

#endif
