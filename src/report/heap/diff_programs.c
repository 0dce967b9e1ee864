/* A difference as JSON and as CSV, in bytes. docs/heap-views.md has the schema. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/rows.h"
#include "base/escape.h"
#include "report/heap/diff.h"
#include "report/heap/export_parts.h"
#include "report/heap/range.h"

static const char *const statuses[] = {"grew", "shrank", "unchanged"};
static const char *const kinds[] = {
    [MP_HEAP_ROW_PLACE] = "place",     [MP_HEAP_ROW_MODULE] = "place",
    [MP_HEAP_ROW_NOWHERE] = "nowhere", [MP_HEAP_ROW_IMPORTS] = "imports",
    [MP_HEAP_ROW_OWN] = "own",         [MP_HEAP_ROW_NOBODY] = "nobody",
    [MP_HEAP_ROW_PROCESS] = "process", [MP_HEAP_ROW_TYPE] = "type"};

static const char *status_of(const struct mp_heap_difference *change)
{
    const char *mark = mp_heap_difference_mark(change);
    return *mark ? mark : statuses[change->status];
}

static void put_json(FILE *out, const struct mp_heap_view *view, struct mp_heap_text text)
{
    mp_escape_json(out, view->text + text.offset, text.length);
}

static void put_amounts(FILE *out, const struct mp_heap_difference *change)
{
    fprintf(out,
            "\"growth\": %" PRId64 ", \"error\": %" PRId64 ", \"before\": %" PRId64
            ", \"after\": %" PRId64 ", \"blocks_before\": %" PRId64
            ", \"blocks_after\": %" PRId64,
            change->growth, change->error, change->amount[0].bytes, change->amount[1].bytes,
            change->amount[0].blocks, change->amount[1].blocks);
}

/* Where a row is on one side. */
static void put_place(FILE *out, const struct mp_heap_diff_view *view,
                      const struct mp_heap_difference *change, int side)
{
    const struct mp_heap_view *its = view->diff->sides[side].view;
    enum mp_heap_diff_by by = view->diff->by;
    const struct mp_heap_code *code = &its->codes[change->code[side]];
    if (!change->there[side]) {
        fputs("null", out);
        return;
    }
    bool module = by == MP_HEAP_DIFF_MODULE;
    fprintf(out, "{\"%s\": ", module ? "module" : "file");
    put_json(out, its, module ? mp_heap_module(its, code->file) : code->file);
    if (by < MP_HEAP_DIFF_FILE) {
        fprintf(out, ", \"line\": %d, \"function\": ", change->line[side]);
        put_json(out, its, code->name);
    }
    fputc('}', out);
}

static void put_process(FILE *out, const struct mp_heap_diff_view *view,
                        const struct mp_heap_difference *change, int side)
{
    const struct mp_heap_processes *processes = view->sides[side].processes;
    if (!change->there[side]) {
        fputs("null", out);
        return;
    }
    const struct mp_heap_process *process = &processes->processes[change->code[side]];
    fprintf(out, "{\"pid\": %" PRId64 ", \"command\": ", process->pid);
    mp_escape_json(out, process->command, strlen(process->command));
    fputs(", \"file\": ", out);
    mp_escape_json(out, process->file, strlen(process->file));
    fputc('}', out);
}

static void put_type(FILE *out, const struct mp_heap_diff_view *view,
                     const struct mp_heap_difference *change, int side)
{
    const struct mp_heap_view *its = view->diff->sides[side].view;
    if (!change->there[side]) {
        fputs("null", out);
        return;
    }
    fputs("{\"type\": ", out);
    put_json(out, its, its->types[change->code[side]].name);
    fputc('}', out);
}

static void put_where(FILE *out, const struct mp_heap_diff_view *view,
                      const struct mp_heap_difference *change)
{
    static const char *const keys[] = {", \"was\": ", ", \"is\": "};
    for (int side = 0; side < MP_HEAP_SIDES; side++) {
        fputs(keys[side], out);
        if (change->kind == MP_HEAP_ROW_PROCESS)
            put_process(out, view, change, side);
        else if (change->kind == MP_HEAP_ROW_TYPE)
            put_type(out, view, change, side);
        else if (change->kind <= MP_HEAP_ROW_MODULE)
            put_place(out, view, change, side);
        else
            fputs("null", out);
    }
}

static void put_row(FILE *out, const struct mp_heap_diff_view *view,
                    const struct mp_heap_difference *change)
{
    fprintf(out, "{\"status\": \"%s\", \"kind\": \"%s\", ", status_of(change),
            kinds[change->kind]);
    put_amounts(out, change);
    put_where(out, view, change);
    if (view->limit.set)
        fprintf(out, ", \"over\": %s",
                mp_heap_diff_is_over(view, change) ? "true" : "false");
    fputc('}', out);
}

static void put_side(FILE *out, const struct mp_heap_diff_view *view, int side)
{
    const struct mp_heap_diff_side *its = &view->sides[side];
    const struct mp_heap_header *header = view->diff->sides[side].view->header;
    fputs("{\"capture\": ", out);
    mp_escape_json(out, its->name, strlen(its->name));
    fprintf(out,
            ", \"pid\": %" PRId64 ", \"wall_start\": %" PRId64 ", \"sample\": %" PRIu64
            ", \"incomplete\": ",
            header->pid, header->wall_start, header->sample);
    mp_escape_json_or_null(out, its->incomplete);
    fputs(", \"at\": ", out);
    const struct mp_heap_view *seen = view->diff->sides[side].view;
    char words[MP_HEAP_RANGE_WORDS];
    mp_escape_json_or_null(out, seen->range ? mp_heap_range_words(seen, words) : NULL);
    fputc('}', out);
}

void mp_heap_diff_put_unlike(FILE *out, const struct mp_heap_diff_view *view)
{
    char *text = NULL, *at, *line;
    size_t size;
    const char *before = "";
    FILE *stream = open_memstream(&text, &size);
    if (stream) {
        mp_heap_diff_unlike(stream, view);
        fclose(stream);
    }
    for (line = text ? strtok_r(text, "\n", &at) : NULL; line;
         line = strtok_r(NULL, "\n", &at)) {
        fputs(before, out);
        mp_escape_json(out, line, strlen(line));
        before = ", ";
    }
    free(text);
}

void mp_heap_diff_json(FILE *out, const struct mp_heap_diff_view *view)
{
    const struct mp_heap_diff *diff = view->diff;
    fputs("{\n  \"schema\": \"memory_profiler.heap-diff/1\",\n  \"version\": \"" MP_VERSION
          "\",\n  \"unit\": \"bytes\", \"time_unit\": \"ns\",\n  \"before\": ",
          out);
    put_side(out, view, MP_HEAP_BEFORE);
    fputs(",\n  \"after\": ", out);
    put_side(out, view, MP_HEAP_AFTER);
    fprintf(out, ",\n  \"measure\": \"%s\", \"by\": \"%s\",\n  \"unlike\": [",
            mp_heap_measure_names[diff->measure], mp_heap_diff_names[diff->by]);
    mp_heap_diff_put_unlike(out, view);
    fputs("],\n  \"all\": {", out);
    put_amounts(out, &diff->whole);
    fprintf(out, "},\n  \"grew\": %zu, \"shrank\": %zu, \"unchanged\": %zu,\n  \"rows\": [",
            diff->grew, diff->shrank, diff->count - diff->grew - diff->shrank);
    for (size_t i = 0; i < diff->count; i++) {
        fputs(i ? ",\n    " : "\n    ", out);
        put_row(out, view, &diff->changes[i]);
    }
    fputs("]\n}\n", out);
}

static void put_csv(FILE *out, const struct mp_heap_view *view, struct mp_heap_text text)
{
    mp_escape_csv(out, view->text + text.offset, text.length);
}

static void put_csv_row(FILE *out, const struct mp_heap_diff_view *view,
                        const struct mp_heap_difference *change)
{
    int side = mp_heap_difference_side(change);
    char *name = NULL;
    size_t size;
    FILE *stream = open_memstream(&name, &size);
    if (stream) {
        mp_heap_difference_put(stream, view, change, 0);
        fclose(stream);
    }
    fprintf(
        out, "%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",",
        status_of(change), change->growth, change->amount[0].bytes, change->amount[1].bytes,
        change->amount[0].blocks, change->amount[1].blocks, change->error);
    if (change->kind == MP_HEAP_ROW_PLACE) {
        const struct mp_heap_view *its = view->diff->sides[side].view;
        const struct mp_heap_code *code = &its->codes[change->code[side]];
        bool function = view->diff->by < MP_HEAP_DIFF_FILE;
        put_csv(out, its, code->file);
        fprintf(out, ",%d,", function ? change->line[side] : 0);
        put_csv(out, its, function ? code->name : (struct mp_heap_text){0});
    } else {
        mp_escape_csv(out, name ? name : "", name ? strlen(name) : 0);
        fputs(",0,\"\"", out);
    }
    fputc('\n', out);
    free(name);
}

void mp_heap_diff_csv(FILE *out, const struct mp_heap_diff_view *view)
{
    fputs(
        "status,growth,before,after,blocks_before,blocks_after,error,where,line,function\n",
        out);
    for (size_t i = 0; i < view->diff->count; i++)
        put_csv_row(out, view, &view->diff->changes[i]);
}
