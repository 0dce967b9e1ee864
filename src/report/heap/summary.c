#include "report/heap/summary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/balance.h"
#include "aggregate/heap/command.h"
#include "aggregate/heap/series.h"
#include "report/heap/series.h"

static const int64_t none = INT64_MIN; /* a row without the heap */

static double seconds(int64_t time)
{
    return (double)time / 1e9;
}

/* Lines that are no wider than a terminal. */
static void put_sampled(FILE *out, const struct mp_heap_header *header)
{
    char bytes[MP_HEAP_FIGURE];
    if (!header->sample)
        return;
    mp_heap_size((int64_t)header->sample, bytes);
    fprintf(out,
            "sampled: one block in %s; figures are estimates, +- is a standard error\n"
            "standard error of x bytes: sqrt(%s * x) at most; of 0 bytes %s\n",
            bytes, bytes, bytes);
    if (!header->peak)
        fprintf(out, "no block was sampled: %s or more may have been missed\n", bytes);
}

/* What has no room, what that means for the program's own lines, and what to do. */
static void put_shortened(FILE *out, const struct mp_heap_header *header)
{
    const uint64_t format_most = (uint64_t)MP_HEAP_CHUNKS * MP_HEAP_CHUNK;
    char number[MP_HEAP_FIGURE], most[MP_HEAP_FIGURE];
    if (!header->shortened)
        return;
    fprintf(out,
            "warning: %s blocks lack callers, or are charged to them: no room for more "
            "stacks",
            mp_heap_count(header->shortened, number));
    if (header->series.refused)
        fprintf(out, ": %s\n", strerror((int)header->series.refused));
    else
        fprintf(out, " in %s\n", mp_heap_size((int64_t)(header->most & INT64_MAX), most));
    if (header->misplaced)
        fprintf(out, "  %s of them are not at the program's own lines",
                mp_heap_count(header->misplaced, number));
    else
        fputs("  lines of the program's own files are exact, those of libraries may not be",
              out);
    if (!header->series.refused && header->most < format_most)
        fputs("; mprof heap --max-file 512M has more room", out);
    fputc('\n', out);
}

void mp_heap_put_missing(FILE *out, const struct mp_heap_header *header,
                         const char *incomplete)
{
    char number[MP_HEAP_FIGURE], bytes[MP_HEAP_FIGURE];
    if (incomplete)
        fprintf(out, "warning: incomplete: %s\n", incomplete);
    if (header->untracked)
        fprintf(out,
                "warning: not followed: %s blocks of %s together, for want of memory; no "
                "figure below has them\n",
                mp_heap_count(header->untracked, number),
                mp_heap_size((int64_t)header->untracked_bytes, bytes));
    if (header->followed & MP_HEAP_LOST)
        fputs(
            "warning: another tool put Python's allocators back: blocks after that are in no "
            "figure\n  tracemalloc.stop() does, when it was started before\n",
            out);
    put_sampled(out, header);
    put_shortened(out, header);
}

static void put_attached(FILE *out, const struct mp_heap_view *view)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"days", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}};
    double age = seconds(view->header->attached);
    int64_t before = mp_heap_before(view);
    char size[MP_HEAP_FIGURE];
    size_t unit = 0;
    if (view->header->attached <= 0 || view->processes > 1)
        return;
    while (unit < 3 && age < 2 * units[unit].seconds)
        unit++;
    fprintf(out, "attached %.1f %s after its start", age / units[unit].seconds,
            units[unit].name);
    if (before >= 0)
        fprintf(out, "; %s of RSS were there before, by no line",
                mp_heap_size(before, size));
    fputc('\n', out);
}

static void put_command(FILE *out, const struct mp_heap_header *header,
                        const struct mp_heap_style *style)
{
    char command[MP_HEAP_COMMAND];
    mp_heap_command(command, header->command);
    if (!*command)
        return;
    fputs("command: ", out);
    mp_heap_put_text(out, style, command, strlen(command),
                     style->width ? style->width - 9 : 0, MP_HEAP_CUT_END);
    fputc('\n', out);
}

void mp_heap_put_title(FILE *out, const struct mp_heap_view *view, const char *name,
                       const char *incomplete, const struct mp_heap_style *style)
{
    const struct mp_heap_header *header = view->header;
    mp_heap_put_text(out, style, name, strlen(name), style->width, MP_HEAP_CUT_START);
    const char *what = header->followed & 1 << MP_HEAP_MALLOC ? "Heap" : "Python heap";
    if (view->processes)
        fprintf(out, "\n%s of %zu processes", what, view->processes);
    else
        fprintf(out, "\n%s of process %" PRId64, what, header->pid);
    if (view->several_clocks)
        fputs(" of machines with clocks of their own", out);
    fprintf(out, view->several_clocks ? ", at most %.3f s each, from " : ", %.3f s from ",
            seconds(header->elapsed));
    mp_heap_put_time(out, header->wall_start);
    fputc('\n', out);
    put_command(out, header, style);
    put_attached(out, view);
    mp_heap_put_missing(out, header, incomplete);
}

/* A row's beginning: its name, the heap's bytes and their error, and the RSS. */
static void put_sizes(FILE *out, const struct mp_heap_header *header, const char *name,
                      int64_t heap, const char *rss)
{
    char size[MP_HEAP_FIGURE];
    fprintf(out, "  %-10s%*s  %11s  ", name, mp_heap_estimate_width(header),
            heap == none ? "" : mp_heap_estimate(header, heap, size), rss);
}

static void put_moment(FILE *out, const struct mp_heap_header *header, const char *name,
                       int64_t heap, int64_t rss, int64_t time, uint64_t blocks)
{
    char resident[MP_HEAP_FIGURE], number[MP_HEAP_FIGURE];
    put_sizes(out, header, name, heap, rss < 0 ? "-" : mp_heap_size(rss, resident));
    fprintf(out, "at %.3f s, %s blocks\n", seconds(time), mp_heap_count(blocks, number));
}

/* What of the peak was memory, and beside it what was not. */
static void put_held(FILE *out, const struct mp_heap_view *view)
{
    struct mp_heap_held held = mp_heap_held(view);
    if (!held.reserved)
        return;
    if (held.held != view->header->peak) {
        put_sizes(out, view->header, "  held", held.held, "");
        fputs("of it in memory, when it was read\n", out);
    }
    put_sizes(out, view->header, "reserved", held.reserved, "");
    fputs("asked for or mapped, not in memory then\n", out);
}

/* Who was asked for it; nothing to say where only Python's allocators were followed. */
static void put_kinds(FILE *out, const struct mp_heap_view *view)
{
    static const char *const names[MP_HEAP_KINDS] = {"  Python", "  malloc", "  mmap",
                                                     "    pools"};
    struct mp_heap_kinds kinds = mp_heap_kinds(view);
    char live[MP_HEAP_FIGURE];
    for (int kind = 0; kind < MP_HEAP_KINDS; kind++) {
        if (!(view->header->followed & 1 << MP_HEAP_MALLOC) ||
            (!kinds.at_peak[kind] && !kinds.live[kind]))
            continue;
        put_sizes(out, view->header, names[kind], kinds.at_peak[kind], "");
        fprintf(out, "%s at the end\n",
                mp_heap_estimate(view->header, kinds.live[kind], live));
    }
}

/* Within which bounds it is, where these are no more than a hundredth of it apart: nothing more to say. */
static void put_bounds(FILE *out, const struct mp_heap_view *view, int64_t heap)
{
    char least[MP_HEAP_FIGURE], most[MP_HEAP_FIGURE];
    struct mp_heap_bounds bounds = mp_heap_bounds(view);
    if (!bounds.most)
        fputs(", of the moments read\n", out);
    else if (bounds.most - heap <= heap / 100 && heap - bounds.least <= heap / 100)
        fputs("\n", out);
    else
        fprintf(out, ", between %s and %s\n",
                mp_heap_estimate(view->header, bounds.least, least),
                mp_heap_estimate(view->header, bounds.most, most));
}

/* The sum of the peaks was never there; what was, is known of the sampled moments. */
static void put_peaks(FILE *out, const struct mp_heap_view *view, uint64_t blocks,
                      const struct mp_heap_point *most)
{
    char resident[MP_HEAP_FIGURE], number[MP_HEAP_FIGURE];
    put_sizes(out, view->header, "peaks", view->header->peak, "");
    fprintf(out, "each at its own, %s blocks\n", mp_heap_count(blocks, number));
    if (view->several_clocks)
        fputs("  together    not known: no moment of several clocks is one\n", out);
    if (!most)
        return;
    put_sizes(out, view->header, "together", most->heap, mp_heap_size(most->rss, resident));
    fprintf(out, "at %.3f s", seconds(most->time));
    put_bounds(out, view, most->heap);
}

static void put_ends(FILE *out, const struct mp_heap_header *header, uint64_t blocks)
{
    char number[MP_HEAP_FIGURE];
    put_sizes(out, header, "ends", header->live, "");
    fprintf(out, "each at its own, %s blocks\n", mp_heap_count(blocks, number));
}

static void put_allocated(FILE *out, const struct mp_heap_header *header,
                          const struct mp_heap_totals *totals)
{
    char number[MP_HEAP_FIGURE], temporary[MP_HEAP_FIGURE];
    put_sizes(out, header, "allocated", (int64_t)totals->total, "");
    fprintf(out, "in %s blocks\n", mp_heap_count(totals->blocks, number));
    put_sizes(out, header, "freed", none, "");
    fprintf(out, header->sample ? "%s, %s temporary\n" : "%s blocks, %s temporary\n",
            mp_heap_count(totals->frees, number),
            mp_heap_count(totals->temporary, temporary));
}

void mp_heap_put_summary(FILE *out, const struct mp_heap_view *view,
                         const struct mp_heap_style *style)
{
    const struct mp_heap_header *header = view->header;
    struct mp_heap_totals totals = mp_heap_totals(view);
    struct mp_heap_marks marks = mp_heap_marks(view);
    char most[MP_HEAP_FIGURE], at_peak[MP_HEAP_FIGURE];
    fprintf(out, "\n  %-10s%*s  %11s\n", "", mp_heap_estimate_width(header), "heap", "RSS");
    const char *name = view->range && view->range->is_at ? "then" : "peak";
    if (view->processes && !view->range)
        put_peaks(out, view, totals.peak_blocks, marks.peak);
    else
        put_moment(out, header, name, header->peak, marks.peak ? marks.peak->rss : -1,
                   header->peak_time, totals.peak_blocks);
    put_kinds(out, view);
    put_held(out, view);
    if (view->several_clocks)
        put_ends(out, header, totals.live_blocks);
    else
        put_moment(out, header, "end", header->live,
                   marks.end && !view->processes ? marks.end->rss : -1, header->elapsed,
                   totals.live_blocks);
    if (marks.most && strcmp(mp_heap_size(marks.most->rss, most),
                             mp_heap_size(marks.peak->rss, at_peak)) != 0) {
        put_sizes(out, header, "most RSS", none, most);
        fprintf(out, "at %.3f s\n", seconds(marks.most->time));
    }
    put_allocated(out, header, &totals);
    mp_heap_put_series(out, view, style);
}

static int by_bytes(const void *left, const void *right)
{
    const struct mp_heap_thread *a = left, *b = right;
    if (a->allocated != b->allocated)
        return a->allocated < b->allocated ? 1 : -1;
    return (a->id > b->id) - (a->id < b->id);
}

/* Each process's main thread has its number. */
static bool is_main(int64_t thread, const struct mp_heap_view *view,
                    const struct mp_heap_processes *processes)
{
    bool is = thread == view->header->pid;
    for (size_t i = 0; processes && i < processes->count && !is; i++)
        is = thread == processes->processes[i].pid;
    return is;
}

static void put_thread(FILE *out, const struct mp_heap_header *header,
                       const struct mp_heap_thread *thread, bool is_main)
{
    char allocated[MP_HEAP_FIGURE], freed[MP_HEAP_FIGURE], blocks[MP_HEAP_FIGURE],
        temporary[MP_HEAP_FIGURE];
    fprintf(out, "%11s %11s %14s %14s  ",
            mp_heap_tight_estimate(header, (int64_t)thread->allocated, allocated),
            mp_heap_tight_estimate(header, (int64_t)thread->freed, freed),
            mp_heap_count(thread->blocks, blocks),
            mp_heap_count(thread->temporary, temporary));
    if (!thread->id)
        fputs("all others\n", out);
    else
        fprintf(out, "%" PRId64 "%s\n", thread->id, is_main ? " (main)" : "");
}

void mp_heap_put_threads(FILE *out, const struct mp_heap_view *view,
                         const struct mp_heap_processes *processes, size_t most)
{
    size_t count = view->counts[MP_HEAP_THREADS];
    struct mp_heap_thread *threads = malloc((count + 1) * sizeof *threads);
    if (!threads)
        return;
    memcpy(threads, view->threads, count * sizeof *threads);
    qsort(threads, count, sizeof *threads, by_bytes);
    while (count && !threads[count - 1].blocks)
        count--; /* the place for those beyond the table's end, mostly */
    if (count > 1)
        fprintf(out, "\nThreads\n%11s %11s %14s %14s  thread\n", "allocated", "freed",
                "blocks", "temporary");
    for (size_t i = 0; i < count && i < most && count > 1; i++)
        put_thread(out, view->header, &threads[i], is_main(threads[i].id, view, processes));
    if (count > most)
        fprintf(out, "%54s and %zu more\n", "", count - most);
    free(threads);
}
