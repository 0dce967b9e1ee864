#include "report/lines/text.h"

#include <string.h>

#include "base/escape.h"
#include "report/lines/size.h"

static const double MIB = 1024.0 * 1024.0;

static void put_mib(FILE *out, int64_t bytes, int precision)
{
    char cell[512];
    snprintf(cell, sizeof cell, "%*.*f MiB", precision + 4, precision, (double)bytes / MIB);
    fprintf(out, "%12s ", cell);
}

static void put_size(FILE *out, int64_t bytes, int precision)
{
    char cell[MP_SIZE_ROOM];
    fprintf(out, "%12s ", mp_size_text(bytes, precision, cell));
}

static void put_memory(FILE *out, const struct mp_function *function,
                       const struct mp_line *line, int number,
                       const struct mp_text_options *options)
{
    int precision = options->precision;
    if (!mp_line_is_read(line)) {
        fprintf(out, "%*s", 26 + (options->peaks ? 13 : 0), "");
        return;
    }
    put_mib(out, line->memory, precision);
    put_mib(out, mp_line_table_increment(&function->table, number), precision);
    if (options->peaks)
        put_mib(out, line->peak, precision);
}

static void put_heap(FILE *out, const struct mp_line *line, int precision)
{
    put_size(out, (int64_t)line->allocated, precision);
    put_size(out, (int64_t)line->freed, precision);
    put_size(out, mp_line_net(line), precision);
    put_size(out, line->heap_peak, precision);
}

/* Without the modules where it is longer than its column; a class name that is longer too moves the row. */
static void put_grown(FILE *out, const struct mp_grown *grown, int precision)
{
    enum { COLUMN = 20 };
    struct mp_text type = grown ? grown->type : (struct mp_text){0};
    const char *dot = type.length > COLUMN ? memrchr(type.bytes, '.', type.length) : NULL;
    char cell[MP_SIZE_ROOM];
    if (dot) {
        type.length -= (size_t)(dot + 1 - type.bytes);
        type.bytes = dot + 1;
    }
    fprintf(out, "%12s ", type.length ? mp_size_text(grown->bytes, precision, cell) : "");
    mp_escape_terminal(out, type.bytes, type.length, false);
    fprintf(out, "%*s ", type.length < COLUMN ? (int)(COLUMN - type.length) : 0, "");
}

/* Characters of the columns that were asked for. */
static int more_width(const struct mp_text_options *options)
{
    return (options->peaks ? 13 : 0) + (options->heap ? 4 * 13 : 0) +
           (options->types ? 13 + 21 : 0);
}

static void put_row(FILE *out, const struct mp_function *function, int row,
                    const struct mp_text_options *options)
{
    int number = function->table.first + row;
    const struct mp_line *line = &function->table.rows[row];
    fprintf(out, "%6d ", number);
    if (line->occurrences) {
        put_memory(out, function, line, number, options);
        if (options->heap)
            put_heap(out, line, options->precision);
        if (options->types)
            put_grown(out, function->grown ? &function->grown[row] : NULL,
                      options->precision);
        fprintf(out, " %10llu   ", (unsigned long long)line->occurrences);
    } else {
        fprintf(out, "%*s", 40 + more_width(options), "");
    }
    mp_escape_terminal(out, function->lines[row].bytes, function->lines[row].length, true);
    fputc('\n', out);
}

void mp_text_lines(FILE *out, const struct mp_function *function,
                   const struct mp_text_options *options)
{
    fputs("Filename: ", out);
    mp_escape_terminal(out, function->filename.bytes, function->filename.length, false);
    fputs("\n\n", out);
    fprintf(out, "%6s %12s %12s", "Line #", "Mem usage", "Increment");
    if (options->peaks)
        fprintf(out, " %12s", "Peak");
    if (options->heap)
        fprintf(out, " %12s %12s %12s %12s", "Allocated", "Freed", "Net", "Heap peak");
    if (options->types)
        fprintf(out, " %12s %-20s", "Grew most", "Type");
    fprintf(out, "  %10s   %s\n", "Occurrences", "Line Contents");
    for (int i = 0; i < 61 + more_width(options); i++)
        fputc('=', out);
    fputc('\n', out);
    for (int row = 0; row < function->table.count; row++)
        put_row(out, function, row, options);
    fputs("\n\n", out);
}
