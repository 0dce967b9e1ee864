/* What the blocks are: mprof table --by type and --by line,type; whether a capture says so. */
#ifndef MP_CMD_HEAP_TABLE_TYPES_H
#define MP_CMD_HEAP_TABLE_TYPES_H

#include <stdbool.h>

#include "cmd/heap/views.h"
#include "report/heap/table.h"

/* 0, or the exit code where nobody counted what the blocks are, and that was said. */
int mp_heap_check_types(const struct mp_heap_views *);

/* Returns the exit code. */
int mp_heap_print_types(struct mp_heap_views *, bool by_line,
                        const struct mp_heap_table_options *);

#endif
