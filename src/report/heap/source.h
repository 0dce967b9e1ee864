/* The source of one file a capture names, and where its lines begin. */
#ifndef MP_REPORT_HEAP_SOURCE_H
#define MP_REPORT_HEAP_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate/heap/kept.h"

struct mp_heap_source_text {
    const char *text; /* borrowed; NULL: not shown, or recorded */
    size_t length;
    const char *why;               /* the file is not shown; NULL when it is */
    bool changed;                  /* later than the capture: lines may have moved */
    struct mp_heap_kept_file kept; /* of `recorded` ones: the lines that the capture has */
    bool
        recorded; /* it is the text as it ran, from the capture: the file was changed since, or `why` */
    uint32_t *starts; /* owned: of each line, one more for the end */
    size_t count;     /* lines */
};

/* Finds the lines of `text`, which is at most 4 GiB. 0, or -1 with errno ENOMEM. */
int mp_heap_source_init(struct mp_heap_source_text *, const char *text, size_t length);
/* Shows what a capture has instead. */
void mp_heap_source_use(struct mp_heap_source_text *, const struct mp_heap_kept_file *);
void mp_heap_source_release(struct mp_heap_source_text *);

/* A line without its end, the first is 1; NULL when there is none. */
const char *mp_heap_source_at(const struct mp_heap_source_text *, int64_t line,
                              size_t *length);

#endif
