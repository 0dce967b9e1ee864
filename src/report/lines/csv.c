#include "report/lines/csv.h"

#include "base/escape.h"

static void put_text(FILE *out, struct mp_text text)
{
    mp_escape_csv(out, text.bytes, text.length);
}

/* The figures of a line; where there are none the cells are empty, occurrences 0. */
static void put_figures(FILE *out, const struct mp_function *function, int row,
                        const struct mp_csv_options *options)
{
    const struct mp_line *line = &function->table.rows[row];
    int number = function->table.first + row;
    if (!line->occurrences) {
        fputs(",,0,,,,,", out);
        return;
    }
    bool known = mp_line_is_read(line);
    if (known)
        fprintf(out, "%lld,%lld,", (long long)line->memory,
                (long long)mp_line_table_increment(&function->table, number));
    else
        fputs(",,", out);
    fprintf(out, "%llu,", (unsigned long long)line->occurrences);
    if (options->peaks && known)
        fprintf(out, "%lld", (long long)line->peak);
    if (!options->heap) {
        fputs(",,,,", out);
        return;
    }
    fprintf(out, ",%llu,%llu,%lld,%lld", (unsigned long long)line->allocated,
            (unsigned long long)line->freed, (long long)mp_line_net(line),
            (long long)line->heap_peak);
}

static void put_row(FILE *out, const struct mp_function *function, int row,
                    const struct mp_csv_options *options)
{
    put_text(out, function->filename);
    fputc(',', out);
    put_text(out, function->name);
    fprintf(out, ",%d,", function->table.first + row);
    put_figures(out, function, row, options);
    fputc(',', out);
    put_text(out, function->lines[row]);
    fputc('\n', out);
}

void mp_csv_lines(FILE *out, const struct mp_function *functions, size_t count,
                  const struct mp_csv_options *options)
{
    fputs("filename,function,line,memory,increment,occurrences,peak,allocated,freed,net,"
          "heap_peak,source\n",
          out);
    for (size_t i = 0; i < count; i++)
        for (int row = 0; row < functions[i].table.count; row++)
            put_row(out, &functions[i], row, options);
}
