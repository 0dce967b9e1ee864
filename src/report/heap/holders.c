#include "report/heap/holders.h"

#include <inttypes.h>

#include "report/heap/figures.h"
#include "report/heap/groups.h"
#include "report/heap/owners.h"
#include "report/heap/summary.h"
#include "report/heap/tabbed.h"
#include "report/heap/waste.h"

enum { LEAST_PART = 100, HEAD = 64 /* columns that it may have */ };

enum { OWNERS = 40, FEW_OWNERS = 16 /* beside other rows */ };

static struct mp_heap_text text_of(uint32_t offset, uint32_t length)
{
    return (struct mp_heap_text){offset, length};
}

static bool is_text(const struct mp_heap_view *view, struct mp_heap_text text,
                    const char *word, size_t length)
{
    return text.length == length && !memcmp(view->text + text.offset, word, length);
}

/* "app.cache.Node", also "Node". */
static bool is_type(const struct mp_heap_view *view, struct mp_heap_text text,
                    const char *word)
{
    size_t length = strlen(word);
    if (text.length <= length)
        return is_text(view, text, word, length);
    uint32_t before = text.length - (uint32_t)length;
    return view->text[text.offset + before - 1] == '.' &&
           is_text(view, text_of(text.offset + before, (uint32_t)length), word, length);
}

/* "/home/me/app.py:12 load": as "app.py:12" too. */
static bool is_line(const struct mp_heap_view *view, struct mp_heap_text text,
                    const char *word)
{
    const char *start = view->text + text.offset, *end = memchr(start, '\t', text.length);
    size_t length = strlen(word), whole = end ? (size_t)(end - start) : text.length;
    return whole >= length && !memcmp(start + whole - length, word, length) &&
           (whole == length || start[whole - length - 1] == '/');
}

bool mp_heap_holders_shows(const struct mp_heap_holders_report *report,
                           const struct mp_heap_holder *row)
{
    struct mp_heap_text of = text_of(row->of, row->of_length);
    if (row->kind <= MP_HEAP_HOLDER_BROKEN || row->kind >= MP_HEAP_HOLDER_NO_MEMORY ||
        report->waste)
        return false;
    if (report->type)
        return row->kind == MP_HEAP_HOLDER_TYPE && is_type(report->view, of, report->type);
    if (report->line)
        return row->kind == MP_HEAP_HOLDER_LINE && is_line(report->view, of, report->line);
    return !report->retained || row->kind == MP_HEAP_HOLDER_LARGEST;
}

bool mp_heap_holders_show_waste(const struct mp_heap_holders_report *report)
{
    return report->waste || (!report->type && !report->line && !report->retained);
}

/* Behind what retains most. */
static bool shows_owners(const struct mp_heap_holders_report *report)
{
    return !report->type && !report->line && !report->waste;
}

static void put_title(FILE *out, const struct mp_heap_holders_report *report,
                      const struct mp_heap_figures *figures,
                      const struct mp_heap_holder *row)
{
    if (row->kind == MP_HEAP_HOLDER_LARGEST)
        fputs("\nWhat retains most\n", out);
    else {
        const bool type = row->kind == MP_HEAP_HOLDER_TYPE;
        const char *before = type ? "Who holds " : "Who holds what ";
        const char *after = type ? "" : " allocated";
        fprintf(out, "\n%s", before);
        mp_heap_put_tabbed(out, report->style, report->view->text + row->of, row->of_length,
                           (int)(strlen(before) + strlen(after)));
        fprintf(out, "%s\n", after);
    }
    mp_heap_figures_title(out, figures, "held as");
}

static void put_row(FILE *out, const struct mp_heap_holders_report *report,
                    const struct mp_heap_figures *figures, const struct mp_heap_holder *row)
{
    char count[MP_HEAP_FIGURE];
    mp_heap_figures_put(out, figures, row->retained, 0, row);
    if (row->others)
        fprintf(out, "(%s other ways)", mp_heap_count(row->others, count));
    else
        mp_heap_put_text(out, report->style, report->view->text + row->path,
                         row->path_length, figures->room, MP_HEAP_CUT_START);
    fputc('\n', out);
}

static bool is_same(const struct mp_heap_holders_report *report,
                    const struct mp_heap_holder *a, const struct mp_heap_holder *b)
{
    return a->kind == b->kind && is_text(report->view, text_of(a->of, a->of_length),
                                         report->view->text + b->of, b->of_length);
}

/* "at 12.345 s", "when it ended". */
static const char *when_of(const struct mp_heap_holders_report *report, char room[64])
{
    int64_t time = report->view->header->holders.time;
    if (report->when)
        return report->when;
    snprintf(room, 64, time ? "at %.3f s" : "when it ended", (double)time / 1e9);
    return room;
}

static void put_head(FILE *out, const struct mp_heap_holder *all, const char *when,
                     const struct mp_heap_style *style)
{
    char count[MP_HEAP_FIGURE], references[MP_HEAP_FIGURE], size[MP_HEAP_FIGURE];
    bool narrow = style->width && style->width < HEAD;
    fprintf(out, "%s objects %s,%s%s in %s references\n", mp_heap_count(all->count, count),
            when, narrow ? "\n" : " ", mp_heap_size((int64_t)all->retained, size),
            mp_heap_count(all->bytes, references));
}

static void put_process(FILE *out, const struct mp_heap_holders_report *report)
{
    const struct mp_heap_process *process = report->process;
    char words[MP_HEAP_IDENTITY];
    mp_heap_identity_words(process, report->hosts, words);
    fprintf(out, "process %" PRId64 ", ", process->pid);
    mp_heap_put_text(out, report->style, words, strlen(words), 0, MP_HEAP_CUT_END);
    fputs(*words ? ", " : "", out);
    mp_heap_put_text(out, report->style, process->file, strlen(process->file), 0,
                     MP_HEAP_CUT_START);
    fputs(*process->command ? ": " : "", out);
    mp_heap_put_text(out, report->style, process->command, strlen(process->command), 0,
                     MP_HEAP_CUT_END);
    fputc('\n', out);
}

static uint64_t weight_of(const struct mp_heap_holder *row)
{
    return row->retained > row->bytes ? row->retained : row->bytes;
}

/* The rows of one title from `first` on: what is small beside the first is one row. How many there are. */
static size_t put_rows(FILE *out, const struct mp_heap_holders_report *report, size_t first)
{
    const struct mp_heap_view *view = report->view;
    const struct mp_heap_holder *head = &view->holders[first];
    struct mp_heap_holder rest = {0};
    size_t at = first;
    const struct mp_heap_figures figures = mp_heap_figures_fit(report->style, false);
    put_title(out, report, &figures, head);
    for (; at < view->counts[MP_HEAP_HOLDERS] && is_same(report, head, &view->holders[at]);
         at++) {
        const struct mp_heap_holder *row = &view->holders[at];
        if (!row->others && weight_of(row) >= weight_of(head) / LEAST_PART) {
            put_row(out, report, &figures, row);
            continue;
        }
        rest.others += row->others ? row->others : 1;
        rest.count += row->count;
        rest.bytes += row->bytes;
        rest.retained += row->retained;
    }
    if (rest.others && head->kind != MP_HEAP_HOLDER_LARGEST)
        put_row(out, report, &figures, &rest);
    return at - first;
}

void mp_heap_holders_text(FILE *out, const struct mp_heap_holders_report *report)
{
    const struct mp_heap_view *view = report->view;
    char when[64];
    if (report->process)
        put_process(out, report);
    mp_heap_put_missing(out, view->header, report->incomplete);
    for (size_t i = 0; i < view->counts[MP_HEAP_HOLDERS];) {
        const struct mp_heap_holder *row = &view->holders[i];
        if (row->kind == MP_HEAP_HOLDER_ALL)
            put_head(out, row, when_of(report, when), report->style);
        i += mp_heap_holders_shows(report, row) ? put_rows(out, report, i) : 1;
        if (row->kind == MP_HEAP_HOLDER_LARGEST && shows_owners(report))
            mp_heap_owners_text(out, view, report->style,
                                report->retained ? OWNERS : FEW_OWNERS);
    }
    if (mp_heap_holders_show_waste(report))
        mp_heap_waste_text(out, view, report->style);
}

static void put_json_row(FILE *out, const struct mp_heap_view *view,
                         const struct mp_heap_holder *row)
{
    static const char *const kinds[MP_HEAP_HOLDER_KINDS] = {[MP_HEAP_HOLDER_LARGEST] =
                                                                "largest",
                                                            [MP_HEAP_HOLDER_TYPE] = "type",
                                                            [MP_HEAP_HOLDER_LINE] = "line"};
    fprintf(out,
            "{\"kind\": \"%s\", \"objects\": %" PRIu64 ", \"bytes\": %" PRIu64
            ", \"retained\": %" PRIu64 ", \"others\": %" PRIu32,
            kinds[row->kind], row->count, row->bytes, row->retained, row->others);
    const char *tab = memchr(view->text + row->of, '\t', row->of_length);
    uint32_t length = tab ? (uint32_t)(tab - view->text) - row->of : row->of_length;
    mp_heap_put_json_text(out, "of", view->text + row->of, length);
    mp_heap_put_json_text(out, "path", view->text + row->path, row->path_length);
    fputc('}', out);
}

static void put_json(FILE *out, const struct mp_heap_holders_report *report)
{
    const struct mp_heap_view *view = report->view;
    const char *before = "";
    int64_t time = view->header->holders.time;
    fprintf(out, time ? "  \"time\": %" PRId64 ",\n" : "  \"time\": null,\n", time);
    for (size_t i = 0; i < view->counts[MP_HEAP_HOLDERS]; i++)
        if (view->holders[i].kind == MP_HEAP_HOLDER_ALL)
            fprintf(out,
                    "  \"objects\": %" PRIu64 ", \"references\": %" PRIu64
                    ", \"reached\": %" PRIu64 ",\n",
                    view->holders[i].count, view->holders[i].bytes,
                    view->holders[i].retained);
    fputs("  \"rows\": [", out);
    for (size_t i = 0; i < view->counts[MP_HEAP_HOLDERS]; i++) {
        if (!mp_heap_holders_shows(report, &view->holders[i]))
            continue;
        fprintf(out, "%s\n    ", before);
        put_json_row(out, view, &view->holders[i]);
        before = ",";
    }
    fputs("]", out);
    if (shows_owners(report)) {
        fputs(",\n  \"owners\": ", out);
        mp_heap_owners_json(out, view);
    }
    if (mp_heap_holders_show_waste(report)) {
        fputs(",\n  \"waste\": ", out);
        mp_heap_waste_json(out, view);
    }
}

/* Of a process of several. */
static void put_json_process(FILE *out, const struct mp_heap_process *process)
{
    const struct mp_identity *identity = &process->identity;
    fprintf(out, "\"pid\": %" PRId64, process->pid);
    mp_heap_put_json_text(out, "capture", process->file, strlen(process->file));
    mp_heap_put_json_text(out, "host", identity->host, strlen(identity->host));
    mp_heap_put_json_text(out, "rank", identity->rank, strlen(identity->rank));
    mp_heap_put_json_text(out, "worker", identity->worker, strlen(identity->worker));
}

void mp_heap_holders_json_begin(FILE *out, const struct mp_heap_holders_report *report,
                                const struct mp_heap_json_options *options)
{
    mp_heap_json_begin(out, "heap-objects/1", report->view->header, options);
    if (report->process) {
        fputs("  \"process\": {", out);
        put_json_process(out, report->process);
        fputs("},\n", out);
    }
    put_json(out, report);
}

void mp_heap_holders_json(FILE *out, const struct mp_heap_holders_report *report,
                          const struct mp_heap_json_options *options)
{
    mp_heap_holders_json_begin(out, report, options);
    fputs("\n}\n", out);
}

void mp_heap_holders_json_of(FILE *out, const struct mp_heap_holders_report *report)
{
    fputc('{', out);
    put_json_process(out, report->process);
    fputs(",\n", out);
    put_json(out, report);
    fputc('}', out);
}
