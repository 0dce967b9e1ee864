/* Tables of what the blocks of a heap capture are: text for people, CSV and JSON in bytes for programs.
 *
 *        live   objects      each      beside  type
 *    75.0 MiB   412,004      64 B    51.0 MiB  dict
 */
#ifndef MP_REPORT_HEAP_TYPES_H
#define MP_REPORT_HEAP_TYPES_H

#include "aggregate/heap/types.h"
#include "report/heap/table.h"

/* Rows of lines, where there are `lines`, which the rows were made with. */
void mp_heap_types_print(FILE *, const struct mp_heap_view *,
                         const struct mp_heap_type_rows *,
                         const struct mp_heap_line *const *lines,
                         const struct mp_heap_table_options *);

/* "live at the mark warm (0.324 s)": when they were counted. */
void mp_heap_put_types_when(FILE *, const struct mp_heap_view *,
                            const struct mp_heap_typing *);

#endif
