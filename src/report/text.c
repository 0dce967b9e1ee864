#include "report/text.h"

#include "base/escape.h"
#include "report/size.h"

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

static void put_heap(FILE *out, const struct mp_line *line, int precision)
{
    put_size(out, (int64_t)line->allocated, precision);
    put_size(out, (int64_t)line->freed, precision);
    put_size(out, mp_line_net(line), precision);
    put_size(out, line->heap_peak, precision);
}

/* Characters of the columns that were asked for. */
static int more_width(const struct mp_text_options *options)
{
    return (options->peaks ? 13 : 0) + (options->heap ? 4 * 13 : 0);
}

static void put_row(FILE *out, const struct mp_function *function, int row,
                    const struct mp_text_options *options)
{
    int precision = options->precision;
    int number = function->table.first + row;
    const struct mp_line *line = &function->table.rows[row];
    fprintf(out, "%6d ", number);
    if (line->occurrences) {
        put_mib(out, line->memory, precision);
        put_mib(out, mp_line_table_increment(&function->table, number), precision);
        if (options->peaks)
            put_mib(out, line->peak, precision);
        if (options->heap)
            put_heap(out, line, precision);
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
    fprintf(out, "  %10s   %s\n", "Occurrences", "Line Contents");
    for (int i = 0; i < 61 + more_width(options); i++)
        fputc('=', out);
    fputc('\n', out);
    for (int row = 0; row < function->table.count; row++)
        put_row(out, function, row, options);
    fputs("\n\n", out);
}
