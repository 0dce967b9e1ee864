#include "report/heap_summary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap_command.h"
#include "aggregate/heap_series.h"
#include "report/heap_series.h"

static double seconds(int64_t time)
{
    return (double)time / 1e9;
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
            "warning: another tool put Python's allocators back (tracemalloc.stop() does, when it "
            "was started before): blocks after that are in no figure\n",
            out);
    if (header->sample)
        fprintf(
            out,
            "sampled: one block in %s; a figure of x bytes is an estimate with a standard "
            "error of at most sqrt(%s * x)\n",
            mp_heap_size((int64_t)header->sample, bytes), bytes);
    if (header->shortened)
        fprintf(out,
                "warning: %s blocks are charged to callers of their lines: the file has no "
                "room for more stacks%s%s\n",
                mp_heap_count(header->shortened, number),
                header->series.refused ? ": " : "",
                header->series.refused ? strerror((int)header->series.refused) : "");
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
    mp_heap_put_text(out, style, name, strlen(name), 0, MP_HEAP_CUT_START);
    const char *what = header->followed & 1 << MP_HEAP_MALLOC ? "Heap" : "Python heap";
    if (view->processes)
        fprintf(out, "\n%s of %zu processes", what, view->processes);
    else
        fprintf(out, "\n%s of process %" PRId64, what, header->pid);
    fprintf(out, ", %.3f s from ", seconds(header->elapsed));
    mp_heap_put_time(out, header->wall_start);
    fputc('\n', out);
    put_command(out, header, style);
    mp_heap_put_missing(out, header, incomplete);
}

static void put_moment(FILE *out, const char *name, int64_t heap, int64_t rss, int64_t time,
                       uint64_t blocks)
{
    char size[MP_HEAP_FIGURE], resident[MP_HEAP_FIGURE], number[MP_HEAP_FIGURE];
    fprintf(out, "  %-10s%11s  %11s  at %.3f s, %s blocks\n", name,
            mp_heap_size(heap, size), rss < 0 ? "-" : mp_heap_size(rss, resident),
            seconds(time), mp_heap_count(blocks, number));
}

/* Who was asked for it; nothing to say where only Python's allocators were followed. */
static void put_kinds(FILE *out, const struct mp_heap_view *view)
{
    static const char *const names[MP_HEAP_KINDS] = {"Python", "malloc", "mmap"};
    struct mp_heap_kinds kinds = mp_heap_kinds(view);
    char at_peak[MP_HEAP_FIGURE], live[MP_HEAP_FIGURE];
    for (int kind = 0; kind < MP_HEAP_KINDS; kind++)
        if (view->header->followed & 1 << MP_HEAP_MALLOC &&
            (kinds.at_peak[kind] || kinds.live[kind]))
            fprintf(out, "    %-8s%11s  %11s  %s at the end\n", names[kind],
                    mp_heap_size(kinds.at_peak[kind], at_peak), "",
                    mp_heap_size(kinds.live[kind], live));
}

/* The sum of the peaks was never there; what was, is known of the sampled moments. */
static void put_peaks(FILE *out, const struct mp_heap_view *view, uint64_t blocks,
                      const struct mp_heap_point *most)
{
    char size[MP_HEAP_FIGURE], resident[MP_HEAP_FIGURE], number[MP_HEAP_FIGURE];
    fprintf(out, "  %-10s%11s  %11s  each process at its own peak, %s blocks\n", "peaks",
            mp_heap_size(view->header->peak, size), "", mp_heap_count(blocks, number));
    if (most)
        fprintf(out, "  %-10s%11s  %11s  at %.3f s, of the moments sampled\n", "together",
                mp_heap_size(most->heap, size), mp_heap_size(most->rss, resident),
                seconds(most->time));
}

static void put_allocated(FILE *out, const struct mp_heap_totals *totals)
{
    char size[MP_HEAP_FIGURE], number[MP_HEAP_FIGURE], temporary[MP_HEAP_FIGURE];
    fprintf(out, "  %-10s%11s  %11s  in %s blocks\n", "allocated",
            mp_heap_size((int64_t)totals->total, size), "",
            mp_heap_count(totals->blocks, number));
    fprintf(out, "  %-10s%11s  %11s  %s blocks, %s at once\n", "freed", "", "",
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
    fprintf(out, "\n  %-10s%11s  %11s\n", "", "heap", "RSS");
    if (view->processes)
        put_peaks(out, view, totals.peak_blocks, marks.peak);
    else
        put_moment(out, "peak", header->peak, marks.peak ? marks.peak->rss : -1,
                   header->peak_time, totals.peak_blocks);
    put_kinds(out, view);
    put_moment(out, "end", header->live,
               marks.end && !view->processes ? marks.end->rss : -1, header->elapsed,
               totals.live_blocks);
    if (marks.most && strcmp(mp_heap_size(marks.most->rss, most),
                             mp_heap_size(marks.peak->rss, at_peak)) != 0)
        fprintf(out, "  %-10s%11s  %11s  at %.3f s\n", "most RSS", "", most,
                seconds(marks.most->time));
    put_allocated(out, &totals);
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

static void put_thread(FILE *out, const struct mp_heap_thread *thread, bool is_main)
{
    char allocated[MP_HEAP_FIGURE], freed[MP_HEAP_FIGURE], blocks[MP_HEAP_FIGURE],
        temporary[MP_HEAP_FIGURE];
    fprintf(
        out, "%11s %11s %14s %14s  ", mp_heap_size((int64_t)thread->allocated, allocated),
        mp_heap_size((int64_t)thread->freed, freed), mp_heap_count(thread->blocks, blocks),
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
                "blocks", "freed at once");
    for (size_t i = 0; i < count && i < most && count > 1; i++)
        put_thread(out, &threads[i], is_main(threads[i].id, view, processes));
    if (count > most)
        fprintf(out, "%54s and %zu more\n", "", count - most);
    free(threads);
}
