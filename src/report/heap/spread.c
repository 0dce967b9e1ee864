#include "report/heap/spread.h"

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "report/heap/groups.h"
#include "report/heap/summary.h"

enum { NUMBERS = 47, LEAST = 20 };

/* What a group is called: of a process its identity or pid. */
static const char *name_of(const struct mp_heap_processes *groups, size_t who,
                           char words[MP_HEAP_IDENTITY])
{
    const struct mp_heap_process *group = &groups->processes[who];
    if (group->members)
        return group->file;
    const char *name = mp_heap_identity_words(group, mp_heap_hosts(groups) > 1, words);
    if (!*name)
        snprintf(words, MP_HEAP_IDENTITY, "%" PRId64, group->pid);
    return words;
}

static void put_times(FILE *out, const struct mp_heap_spread_row *row)
{
    if (row->median > 0)
        fprintf(out, "%8.1f  ", (double)row->most / (double)row->median);
    else
        fprintf(out, "%8s  ", "-");
}

static void put_row(FILE *out, const struct mp_heap_view *view,
                    const struct mp_heap_spread_row *row, int width,
                    const struct mp_heap_table_options *options)
{
    char most[MP_HEAP_FIGURE], median[MP_HEAP_FIGURE], words[MP_HEAP_IDENTITY];
    const struct mp_heap_style *style = options->style;
    const char *name = name_of(options->processes, row->who, words);
    int room = !style->width ? 0 : style->width - NUMBERS - width;
    fprintf(out, "%11s %11s ", mp_heap_size(row->most, most),
            mp_heap_size(row->median, median));
    put_times(out, row);
    mp_heap_put_text(out, style, name, strlen(name), width, MP_HEAP_CUT_END);
    int left = width - (int)strlen(name);
    fprintf(out, "%*s  ", left > 0 ? left : 0, "");
    mp_heap_begin_place(out, style, row->users);
    if (row->importing)
        fputs(MP_HEAP_IMPORTING, out);
    else
        mp_heap_put_place(out, style, view, row->code, row->line,
                          room && room < LEAST ? LEAST : room);
    mp_heap_end_place(out, style, row->users);
    fputc('\n', out);
}

static void put_text(FILE *out, const struct mp_heap_view *view,
                     const struct mp_heap_spread *spread, const char *what,
                     const struct mp_heap_table_options *options)
{
    char words[MP_HEAP_IDENTITY];
    enum { WIDEST = 40 };
    int width = (int)strlen(what);
    size_t shown = spread->count < options->most ? spread->count : options->most;
    for (size_t i = 0; i < shown; i++) {
        int length = (int)strlen(name_of(options->processes, spread->rows[i].who, words));
        width = length > width ? length : width;
    }
    width = width > WIDEST ? WIDEST : width;
    fprintf(out, "%11s %11s %8s  %-*s  where\n", "most", "median", "times", width, what);
    for (size_t i = 0; i < shown; i++)
        put_row(out, view, &spread->rows[i], width, options);
    if (spread->count > shown)
        fprintf(out, "(%zu more lines)\n", spread->count - shown);
    mp_heap_put_missing(out, view->header, options->incomplete);
}

typedef void escape(FILE *, const char *, size_t);

static void put_fields(FILE *out, const struct mp_heap_view *view,
                       const struct mp_heap_spread_row *row, const char *what,
                       const struct mp_heap_table_options *options, bool json)
{
    char words[MP_HEAP_IDENTITY];
    escape *how = json ? mp_escape_json : mp_escape_csv;
    const struct mp_heap_code *code = &view->codes[row->code];
    const char *name = name_of(options->processes, row->who, words);
    if (json)
        fputs("{\"file\": ", out);
    how(out, view->text + code->file.offset, code->file.length);
    fprintf(out, json ? ", \"line\": %d, \"function\": " : ",%d,", row->line);
    how(out, view->text + code->name.offset, code->name.length);
    fprintf(out, json ? ", \"%s\": " : "%.0s,", what);
    how(out, name, strlen(name));
    fprintf(out,
            json ? ", \"most\": %" PRId64 ", \"median\": %" PRId64 ", \"sum\": %" PRId64 "}"
                 : ",%" PRId64 ",%" PRId64 ",%" PRId64 "\n",
            row->most, row->median, row->sum);
}

void mp_heap_spread_print(FILE *out, const struct mp_heap_view *view,
                          const struct mp_heap_spread *spread, const char *what,
                          const struct mp_heap_table_options *options)
{
    bool json = options->form == MP_HEAP_TABLE_JSON;
    size_t shown = spread->count < options->most ? spread->count : options->most;
    if (options->form == MP_HEAP_TABLE_TEXT) {
        put_text(out, view, spread, what, options);
        return;
    }
    if (json)
        mp_heap_table_begin_json(out, view->header, what, options);
    else
        fprintf(out, "file,line,function,%s,most,median,sum\n", what);
    for (size_t i = 0; i < shown; i++) {
        if (json)
            fputs(i ? ",\n    " : "\n    ", out);
        put_fields(out, view, &spread->rows[i], what, options, json);
    }
    if (json)
        fprintf(out, "],\n  \"more\": %zu, \"groups\": %zu}\n", spread->count - shown,
                spread->groups);
}
