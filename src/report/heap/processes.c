#include "report/heap/processes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/command.h"
#include "aggregate/heap/series.h"
#include "base/array.h"
#include "base/escape.h"
#include "report/heap/balance.h"
#include "report/heap/engine.h"
#include "report/heap/groups.h"

/* The analyzer loses sight of what is kept in an array. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

enum {
    NUMBERS = 55,
    GROUP_NUMBERS = 49,
    LEAST = 20 /* columns */,
    SHEETS = MP_HEAP_MOST_SHEETS
};

/* All that the process allocated. */
static struct mp_heap_line sum_of(const struct mp_heap_view *view)
{
    struct mp_heap_totals totals = mp_heap_totals(view);
    return (struct mp_heap_line){.at_peak = view->header->peak,
                                 .live = view->header->live,
                                 .blocks_at_peak = totals.peak_blocks,
                                 .live_blocks = totals.live_blocks,
                                 .total = totals.total,
                                 .blocks = totals.blocks,
                                 .temporary = totals.temporary};
}

int mp_heap_processes_add(struct mp_heap_processes *list, const char *path,
                          const struct mp_heap_view *view)
{
    const struct mp_heap_header *header = view->header;
    const struct mp_heap_point *most = mp_heap_marks(view).most;
    if (mp_array_reserve((void **)&list->processes, &list->room, list->count + 1,
                         sizeof *list->processes))
        return -1;
    struct mp_heap_process *process = &list->processes[list->count];
    *process = (struct mp_heap_process){.file = strdup(path),
                                        .pid = header->pid,
                                        .parent = header->parent,
                                        .run = header->run,
                                        .children = header->children,
                                        .identity = header->identity,
                                        .wall_start = header->wall_start,
                                        .elapsed = header->elapsed,
                                        .peak_time = header->peak_time,
                                        .most_rss = most ? most->rss : -1,
                                        .sum = sum_of(view),
                                        .engine = header->engine,
                                        .clean = header->clean};
    mp_heap_sheets(view, process->sheets);
    mp_heap_command(process->command, header->command);
    list->count += process->file != NULL;
    return process->file ? 0 : -1;
}

void mp_heap_processes_release(struct mp_heap_processes *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->processes[i].file);
        mp_heap_owners_release(&list->processes[i].owners);
    }
    free(list->processes);
    *list = (struct mp_heap_processes){0};
}

static int by_peak(const void *left, const void *right)
{
    const struct mp_heap_process *a = *(const struct mp_heap_process *const *)left;
    const struct mp_heap_process *b = *(const struct mp_heap_process *const *)right;
    if (a->sum.at_peak != b->sum.at_peak)
        return a->sum.at_peak < b->sum.at_peak ? 1 : -1;
    return strcmp(a->file, b->file);
}

/* Which worker it is, before its file. */
static void put_identity(FILE *out, const struct mp_heap_process *process, bool hosts,
                         const struct mp_heap_style *style)
{
    char words[MP_HEAP_IDENTITY];
    mp_heap_identity_words(process, hosts, words);
    mp_heap_put_text(out, style, words, strlen(words), 0, MP_HEAP_CUT_END);
    fputs(*words ? ": " : "", out);
}

static void put_process(FILE *out, const struct mp_heap_header *header,
                        const struct mp_heap_process *process, bool hosts,
                        const struct mp_heap_style *style)
{
    char peak[MP_HEAP_FIGURE], live[MP_HEAP_FIGURE];
    int room = !style->width ? 0 : style->width - NUMBERS;
    fprintf(out, "%11s %11s %9.3f s %8" PRId64 " %8" PRId64 "  ",
            mp_heap_tight_estimate(header, process->sum.at_peak, peak),
            mp_heap_tight_estimate(header, process->sum.live, live),
            (double)process->elapsed / 1e9, process->pid, process->parent);
    mp_heap_put_text(out, style, process->command, strlen(process->command),
                     room && room < LEAST ? LEAST : room, MP_HEAP_CUT_END);
    fprintf(out, "\n%*s", NUMBERS, "");
    put_identity(out, process, hosts, style);
    mp_heap_put_text(out, style, process->file, strlen(process->file), 0,
                     MP_HEAP_CUT_START);
    fputs(process->clean ? "\n" : ", not closed\n", out);
}

/* The largest first; the caller frees the array. NULL when there is no memory. */
static const struct mp_heap_process **in_order(const struct mp_heap_processes *processes)
{
    const struct mp_heap_process **order = calloc(processes->count + 1, sizeof *order);
    for (size_t i = 0; order && i < processes->count; i++)
        order[i] = &processes->processes[i];
    if (order)
        qsort(order, processes->count, sizeof *order, by_peak);
    return order;
}

static void put_rows(FILE *out, const struct mp_heap_header *header,
                     const struct mp_heap_processes *processes, size_t most,
                     const struct mp_heap_style *style)
{
    const struct mp_heap_process **order = in_order(processes);
    bool hosts = mp_heap_hosts(processes) > 1;
    for (size_t i = 0; order && i < processes->count && i < most; i++)
        put_process(out, header, order[i], hosts, style);
    free(order);
}

void mp_heap_put_processes(FILE *out, const struct mp_heap_header *header,
                           const struct mp_heap_processes *processes, size_t most,
                           const struct mp_heap_style *style)
{
    if (!processes || !processes->count)
        return;
    fprintf(out, "\nProcesses\n%11s %11s %11s %8s %8s  command\n", "peak", "live", "lasted",
            "pid", "parent");
    put_rows(out, header, processes, most, style);
    if (processes->count > most)
        fprintf(out, "%*sand %zu more\n", NUMBERS, "", processes->count - most);
    if (processes->unrecorded)
        fprintf(out, "%*sand %" PRIu64 " that %s not recorded\n", NUMBERS, "",
                processes->unrecorded, processes->unrecorded == 1 ? "was" : "were");
}

void mp_heap_put_groups(FILE *out, const struct mp_heap_header *header,
                        const struct mp_heap_processes *groups, const char *what,
                        size_t most, const struct mp_heap_style *style)
{
    char peak[MP_HEAP_FIGURE], live[MP_HEAP_FIGURE], rss[MP_HEAP_FIGURE];
    const struct mp_heap_process **order = in_order(groups);
    fprintf(out, "\n%11s %11s %11s %11s  %s\n", "peaks", "live", "most RSS", "processes",
            what);
    for (size_t i = 0; order && i < groups->count && i < most; i++) {
        const struct mp_heap_process *group = order[i];
        fprintf(out, "%11s %11s %11s %11zu  ",
                mp_heap_tight_estimate(header, group->sum.at_peak, peak),
                mp_heap_tight_estimate(header, group->sum.live, live),
                group->most_rss < 0 ? "-" : mp_heap_size(group->most_rss, rss),
                group->members);
        mp_heap_put_text(out, style, group->file, strlen(group->file), 0, MP_HEAP_CUT_END);
        fputs(group->clean ? "\n" : ", not closed\n", out);
    }
    if (groups->count > most)
        fprintf(out, "%*sand %zu more\n", GROUP_NUMBERS, "", groups->count - most);
    free(order);
}

int mp_heap_process_lines(struct mp_heap_lines *lines,
                          const struct mp_heap_processes *processes)
{
    *lines = (struct mp_heap_lines){0};
    if (mp_array_reserve((void **)&lines->lines, &lines->room, processes->count,
                         sizeof *lines->lines))
        return -1;
    for (; lines->count < processes->count; lines->count++) {
        lines->lines[lines->count] = processes->processes[lines->count].sum;
        lines->lines[lines->count].line = (int)lines->count + 1;
    }
    return 0;
}

static bool has_sheet(const struct mp_heap_process *process)
{
    return process->sheets[MP_HEAP_NEAR_PEAK].rss || process->sheets[MP_HEAP_AT_END].rss;
}

bool mp_heap_have_sheets(const struct mp_heap_processes *processes)
{
    for (size_t i = 0; i < processes->count; i++)
        if (has_sheet(&processes->processes[i]))
            return true;
    return false;
}

static void put_left_out(FILE *out, const struct mp_heap_process *const *order,
                         size_t count, size_t shown, const struct mp_heap_style *style)
{
    if (count <= shown)
        return;
    const struct mp_heap_process *one = order[shown];
    fprintf(out, "\nand of %zu more; of one: mprof report %s", count - shown,
            one->parent ? "" : "--no-children "); /* the first's file stands for the run */
    mp_heap_put_text(out, style, one->file, strlen(one->file), 0, MP_HEAP_CUT_START);
    fputc('\n', out);
}

void mp_heap_put_process_sheets(FILE *out, const struct mp_heap_header *header,
                                const struct mp_heap_processes *processes, size_t most,
                                const struct mp_heap_style *style)
{
    const struct mp_heap_process **order = in_order(processes);
    size_t count = 0, shown = most < SHEETS ? most : SHEETS;
    for (size_t i = 0; order && i < processes->count; i++)
        if (has_sheet(order[i]))
            order[count++] = order[i];
    mp_heap_put_balances(out, header, order, count < shown ? count : shown);
    if (order)
        put_left_out(out, order, count, shown, style);
    if (order && count && count < processes->count)
        fprintf(out, "\nnot known of %zu: ended before it was read\n",
                processes->count - count);
    free(order);
}

static void put_identity_json(FILE *out, const struct mp_identity *identity)
{
    const char *const names[] = {"host", "rank", "worker"};
    const char *const texts[] = {identity->host, identity->rank, identity->worker};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fprintf(out, ", \"%s\": ", names[i]);
        mp_escape_json(out, texts[i], strlen(texts[i]));
    }
}

static void put_json(FILE *out, const struct mp_heap_process *process)
{
    fprintf(out, "\n    {\"pid\": %" PRId64 ", \"parent\": %" PRId64 ", \"command\": ",
            process->pid, process->parent);
    mp_escape_json(out, process->command, strlen(process->command));
    fputs(", \"file\": ", out);
    mp_escape_json(out, process->file, strlen(process->file));
    put_identity_json(out, &process->identity);
    fprintf(out,
            ", \"wall_start\": %" PRId64 ", \"elapsed\": %" PRId64 ", \"peak\": %" PRId64
            ", \"peak_time\": %" PRId64 ", \"live\": %" PRId64 ", \"closed\": %s, ",
            process->wall_start, process->elapsed, process->sum.at_peak, process->peak_time,
            process->sum.live, process->clean ? "true" : "false");
    mp_heap_balance_json(out, process->sheets);
    mp_heap_engine_json(out, &process->engine);
    fputc('}', out);
}

void mp_heap_processes_json(FILE *out, const struct mp_heap_processes *processes)
{
    fputs("  \"processes\": [", out);
    for (size_t i = 0; processes && i < processes->count; i++) {
        fputs(i ? "," : "", out);
        put_json(out, &processes->processes[i]);
    }
    fprintf(out, "],\n  \"unrecorded\": %" PRIu64 ",\n",
            processes ? processes->unrecorded : 0);
}
