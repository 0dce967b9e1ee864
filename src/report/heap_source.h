/* The source of one file a capture names, and where its lines begin. */
#ifndef MP_REPORT_HEAP_SOURCE_H
#define MP_REPORT_HEAP_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mp_heap_source_text {
    const char *text; /* borrowed; NULL: not shown */
    size_t length;
    const char *why;  /* it is not shown; NULL when it is */
    bool changed;     /* later than the capture: lines may have moved */
    uint32_t *starts; /* owned: of each line, one more for the end */
    size_t count;     /* lines */
};

/* Finds the lines of `text`, which is at most 4 GiB. 0, or -1 with errno ENOMEM. */
int mp_heap_source_init(struct mp_heap_source_text *, const char *text, size_t length);
void mp_heap_source_release(struct mp_heap_source_text *);

/* A line without its end, the first is 1; NULL when there is none. */
const char *mp_heap_source_at(const struct mp_heap_source_text *, int64_t line,
                              size_t *length);

#endif
