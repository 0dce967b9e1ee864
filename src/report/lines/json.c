#include "report/lines/json.h"

#include <string.h>

#include "base/escape.h"

static void put_text(FILE *out, const char *key, struct mp_text text)
{
    fprintf(out, "\"%s\": ", key);
    mp_escape_json(out, text.bytes, text.length);
}

static void put_more(FILE *out, const struct mp_line *line,
                     const struct mp_json_options *options)
{
    if (options->peaks && mp_line_is_read(line))
        fprintf(out, "\"peak\": %lld, ", (long long)line->peak);
    else
        fputs("\"peak\": null, ", out);
    if (options->heap && line->occurrences)
        fprintf(
            out,
            "\"allocated\": %llu, \"freed\": %llu, \"net\": %lld, \"heap_peak\": %lld, ",
            (unsigned long long)line->allocated, (unsigned long long)line->freed,
            (long long)mp_line_net(line), (long long)line->heap_peak);
    else
        fputs("\"allocated\": null, \"freed\": null, \"net\": null, \"heap_peak\": null, ",
              out);
}

static void put_grown(FILE *out, const struct mp_grown *grown)
{
    fputs("\"grew\": {", out);
    put_text(out, "type", grown->type);
    fprintf(out, ", \"objects\": %lld, \"bytes\": %lld}, ", (long long)grown->objects,
            (long long)grown->bytes);
}

static void put_row(FILE *out, const struct mp_function *function, int row,
                    const struct mp_json_options *options)
{
    int number = function->table.first + row;
    const struct mp_line *line = &function->table.rows[row];
    fprintf(out, "        {\"line\": %d, ", number);
    if (mp_line_is_read(line))
        fprintf(out, "\"memory\": %lld, \"increment\": %lld, ", (long long)line->memory,
                (long long)mp_line_table_increment(&function->table, number));
    else
        fputs("\"memory\": null, \"increment\": null, ", out);
    fprintf(out, "\"occurrences\": %llu, ", (unsigned long long)line->occurrences);
    put_more(out, line, options);
    if (function->grown && function->grown[row].type.length)
        put_grown(out, &function->grown[row]);
    put_text(out, "source", function->lines[row]);
    fputc('}', out);
}

static void put_function(FILE *out, const struct mp_function *function,
                         const struct mp_json_options *options)
{
    fputs("    {\n      ", out);
    put_text(out, "filename", function->filename);
    fputs(",\n      ", out);
    put_text(out, "function", function->name);
    fprintf(out,
            ",\n      \"first_line\": %d,\n      \"baseline\": %lld,\n      \"lines\": [\n",
            function->table.first, (long long)function->table.baseline);
    for (int row = 0; row < function->table.count; row++) {
        put_row(out, function, row, options);
        fputs(row + 1 < function->table.count ? ",\n" : "\n", out);
    }
    fputs("      ]\n    }", out);
}

static struct mp_text text_of(const char *string)
{
    return (struct mp_text){string, strlen(string)};
}

void mp_json_lines(FILE *out, const struct mp_function *functions, size_t count,
                   const struct mp_json_options *options)
{
    fputs("{\n  \"schema\": \"memory_profiler.lines/1\",\n  \"unit\": \"bytes\",\n  ", out);
    put_text(out, "version", text_of(MP_VERSION));
    fputs(",\n  ", out);
    put_text(out, "python", text_of(options->python));
    fputs(",\n  ", out);
    put_text(out, "backend", text_of(options->backend));
    fputs(",\n  \"functions\": [\n", out);
    for (size_t i = 0; i < count; i++) {
        put_function(out, &functions[i], options);
        fputs(i + 1 < count ? ",\n" : "\n", out);
    }
    fputs("  ]\n}\n", out);
}
