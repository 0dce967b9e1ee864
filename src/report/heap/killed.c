#include "report/heap/killed.h"

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "report/heap/engine.h"
#include "report/heap/groups.h"

static void put_text(FILE *out, const char *text, size_t length,
                     const struct mp_heap_style *style)
{
    mp_heap_put_text(out, style, text, length, 0, MP_HEAP_CUT_END);
}

void mp_heap_put_held(FILE *out, const struct mp_heap_killed_row *row,
                      const struct mp_heap_tagged *held, struct mp_heap_style style)
{
    char size[MP_HEAP_FIGURE];
    style.paths = row->paths;
    if (row->tagged) {
        fprintf(out, "%s under %s", mp_heap_size(held->sum.at_peak, size),
                held->name.length ? "" : "no tag");
        put_text(out, row->view->text + held->name.offset, held->name.length, &style);
        fputs(", ", out);
    }
    fprintf(out, "%s%s at ", mp_heap_size(held->most, size), row->tagged ? " of it" : "");
    mp_heap_put_place(out, &style, row->view, held->code, held->line, 0);
}

static void put_row(FILE *out, const struct mp_heap_killed_row *row, bool hosts,
                    const struct mp_heap_style *style)
{
    char words[MP_HEAP_IDENTITY], then[MP_HEAP_FIGURE];
    mp_heap_identity_words(row->process, hosts, words);
    fputs(row->unsure ? "killed, or running when it was copied: " : "killed: ", out);
    put_text(out, words, strlen(words), style);
    fprintf(out, "%sprocess %" PRId64 ": %s then", *words ? ", " : "", row->process->pid,
            mp_heap_size(row->process->sum.live, then));
    mp_heap_put_last_look(out, &row->process->engine);
    for (size_t i = 0; i < row->count; i++) {
        fputs(i ? "; " : "; at its peak ", out);
        mp_heap_put_held(out, row, &row->held[i], *style);
    }
    fputc('\n', out);
}

void mp_heap_put_killed(FILE *out, const struct mp_heap_killed *killed,
                        const struct mp_heap_style *style)
{
    for (size_t i = 0; i < killed->count; i++)
        put_row(out, &killed->rows[i], killed->hosts, style);
    if (killed->more)
        fprintf(out, "and %zu more that held less\n", killed->more);
    if (killed->count)
        fputc('\n', out);
}

static void put_field(FILE *out, const char *name, const char *text, size_t length)
{
    fprintf(out, ", \"%s\": ", name);
    mp_escape_json(out, text, length);
}

static void put_json_held(FILE *out, const struct mp_heap_view *view,
                          const struct mp_heap_tagged *held)
{
    const struct mp_heap_code *code = &view->codes[held->code];
    fprintf(out, "{\"at_peak\": %" PRId64, held->sum.at_peak);
    if (held->name.length)
        put_field(out, "tag", view->text + held->name.offset, held->name.length);
    else
        fputs(", \"tag\": null", out);
    put_field(out, "mostly_file", view->text + code->file.offset, code->file.length);
    fprintf(out, ", \"mostly_line\": %d", held->line);
    put_field(out, "mostly_function", view->text + code->name.offset, code->name.length);
    fprintf(out, ", \"mostly_at_peak\": %" PRId64 "}", held->most);
}

static void put_json(FILE *out, const struct mp_heap_killed_row *row)
{
    const struct mp_heap_process *process = row->process;
    const struct mp_identity *who = &process->identity;
    fprintf(out,
            "\n    {\"pid\": %" PRId64 ", \"live\": %" PRId64 ", \"at_peak\": %" PRId64,
            process->pid, process->sum.live, process->sum.at_peak);
    put_field(out, "host", who->host, strlen(who->host));
    put_field(out, "rank", who->rank, strlen(who->rank));
    put_field(out, "worker", who->worker, strlen(who->worker));
    put_field(out, "capture", process->file, strlen(process->file));
    fprintf(out, ", \"sure\": %s, \"held\": [", row->unsure ? "false" : "true");
    for (size_t i = 0; i < row->count; i++) {
        fputs(i ? ", " : "", out);
        put_json_held(out, row->view, &row->held[i]);
    }
    fputs("]}", out);
}

void mp_heap_killed_json(FILE *out, const struct mp_heap_killed *killed)
{
    fputs("  \"killed\": [", out);
    for (size_t i = 0; killed && i < killed->count; i++) {
        fputs(i ? "," : "", out);
        put_json(out, &killed->rows[i]);
    }
    fprintf(out, "],\n  \"more_killed\": %zu,\n", killed ? killed->more : 0);
}
