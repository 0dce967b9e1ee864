/* A heap capture over its source: which files hold most; one file with figures at its lines. */
#ifndef MP_REPORT_HEAP_ANNOTATED_H
#define MP_REPORT_HEAP_ANNOTATED_H

#include "aggregate/heap/files.h"
#include "aggregate/heap/listing.h"
#include "report/heap/parts.h"
#include "report/heap/source.h"

/* At most `most` of the groups, and those that have `least` as a share of some figure. 0, or -1
   with errno ENOMEM. */
int mp_heap_groups_text(FILE *, const struct mp_heap_view *, const struct mp_heap_groups *,
                        const struct mp_heap_style *, size_t most, double least);

/* The functions that allocated, or the whole file; without source, the lines that allocated. */
void mp_heap_listing_text(FILE *, const struct mp_heap_view *,
                          const struct mp_heap_listing *,
                          const struct mp_heap_source_text *, const struct mp_heap_style *,
                          bool whole);

#endif
