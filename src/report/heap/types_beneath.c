#include "report/heap/types_beneath.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/escape.h"

enum { MOST = 3, NAME = 32 };

/* Of names that are longer the end is what tells them apart. */
static int put_name(FILE *out, const struct mp_heap_type_rows *rows,
                    const struct mp_heap_type_row *row, const struct mp_heap_style *style)
{
    const char *name = rows->typing.text + row->name.offset;
    mp_heap_put_text(out, style, name, row->name.length, NAME, MP_HEAP_CUT_START);
    return row->name.length < NAME ? (int)row->name.length : NAME;
}

/* Of blocks that are no objects, by their type. */
static const char *const others[MP_HEAP_TYPES_FIRST] = {
    [MP_HEAP_TYPE_UNKNOWN] = "of no object",
    [MP_HEAP_TYPE_REUSED] = "kept for reuse",
    [MP_HEAP_TYPE_NATIVE] = "of malloc"};

/* One of them; returns how many columns it takes. */
static int put_part(FILE *out, const struct mp_heap_view *view,
                    const struct mp_heap_type_rows *rows,
                    const struct mp_heap_type_row *row, const struct mp_heap_style *style)
{
    char size[MP_HEAP_FIGURE], count[MP_HEAP_FIGURE];
    int columns;
    mp_heap_count((uint64_t)row->blocks, count);
    if (row->type == MP_HEAP_TYPE_MAPPED)
        columns = fprintf(out, "mappings");
    else if (row->type < MP_HEAP_TYPES_FIRST)
        columns = fprintf(out, "%s %s %s", count, row->blocks == 1 ? "block" : "blocks",
                          others[row->type]);
    else
        columns = (row->blocks ? fprintf(out, "%s ", count) : fprintf(out, "kept by ")) +
                  put_name(out, rows, row, style);
    mp_heap_tight_estimate(view->header, mp_heap_type_row_size(row), size);
    return columns + fprintf(out, " (%s)", size);
}

void mp_heap_put_types_beneath(FILE *out, const struct mp_heap_view *view,
                               const struct mp_heap_type_rows *rows, uint32_t line,
                               const struct mp_heap_style *style, int indent, int room)
{
    int shown = 0, taken = 3;
    size_t count;
    const uint32_t *its = mp_heap_type_rows_of(rows, line, &count);
    for (size_t i = 0; i < count && shown < MOST; i++) {
        const struct mp_heap_type_row *row = &rows->rows[its[i]];
        char *part = NULL;
        size_t length = 0;
        FILE *stream = open_memstream(&part, &length);
        int columns = stream ? put_part(stream, view, rows, row, style) : 0;
        if (stream && fclose(stream))
            columns = 0;
        bool fits = columns && (!room || !shown || taken + columns + 2 <= room);
        if (fits && !shown)
            fprintf(out, "%*sis %s", indent, "", part);
        else if (fits)
            fprintf(out, ", %s", part);
        free(part);
        if (!fits)
            break;
        taken += columns + 2;
        shown++;
    }
    if (shown)
        fputc('\n', out);
}

void mp_heap_types_beneath_json(FILE *out, const struct mp_heap_type_rows *rows,
                                uint32_t line)
{
    const char *before = "";
    if (!rows) {
        fputs(", \"types\": null", out);
        return;
    }
    fputs(", \"types\": [", out);
    size_t count;
    const uint32_t *its = mp_heap_type_rows_of(rows, line, &count);
    for (size_t i = 0; i < count; i++) {
        const struct mp_heap_type_row *row = &rows->rows[its[i]];
        fprintf(out, "%s{\"type\": ", before);
        mp_escape_json(out, rows->typing.text + row->name.offset, row->name.length);
        fprintf(out,
                ", \"objects\": %" PRId64 ", \"bytes\": %" PRId64
                ", \"kept_blocks\": %" PRId64 ", \"kept_bytes\": %" PRId64 "}",
                row->blocks, row->bytes, row->kept_blocks, row->kept);
        before = ", ";
    }
    fputc(']', out);
}
