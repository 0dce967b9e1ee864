/* What the live blocks of one line are, beneath the line. */
#ifndef MP_REPORT_HEAP_TYPES_BENEATH_H
#define MP_REPORT_HEAP_TYPES_BENEATH_H

#include "aggregate/heap/types.h"
#include "report/heap/parts.h"

/* "is 60,000 app.Node (5.0 MiB), 60,000 str (2.9 MiB), kept by dict (1.8 MiB)": the largest, as there is room for. Nothing
   where the line, by its number, has none. */
void mp_heap_put_types_beneath(FILE *, const struct mp_heap_view *,
                               const struct mp_heap_type_rows *, uint32_t line,
                               const struct mp_heap_style *, int indent, int room);

/* , "types": [...], or null where there are no rows. */
void mp_heap_types_beneath_json(FILE *, const struct mp_heap_type_rows *, uint32_t line);

#endif
