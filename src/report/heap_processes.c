#include "report/heap_processes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

enum { NUMBERS = 54, LEAST = 20 }; /* columns */

static int by_peak(const void *left, const void *right)
{
    const struct mp_heap_process *a = *(const struct mp_heap_process *const *)left;
    const struct mp_heap_process *b = *(const struct mp_heap_process *const *)right;
    if (a->peak != b->peak)
        return a->peak < b->peak ? 1 : -1;
    return strcmp(a->file, b->file);
}

static void put_process(FILE *out, const struct mp_heap_header *header,
                        const struct mp_heap_process *process,
                        const struct mp_heap_style *style)
{
    char peak[MP_HEAP_FIGURE], live[MP_HEAP_FIGURE];
    int room = !style->width ? 0 : style->width - NUMBERS;
    fprintf(out, "%11s %11s %9.3f s %8" PRId64 " %8" PRId64 "  ",
            mp_heap_tight_estimate(header, process->peak, peak),
            mp_heap_tight_estimate(header, process->live, live),
            (double)process->elapsed / 1e9, process->pid, process->parent);
    mp_heap_put_text(out, style, process->command, strlen(process->command),
                     room && room < LEAST ? LEAST : room, MP_HEAP_CUT_END);
    fprintf(out, "\n%*s", NUMBERS, "");
    mp_heap_put_text(out, style, process->file, strlen(process->file), 0,
                     MP_HEAP_CUT_START);
    fputs(process->clean ? "\n" : ", not closed: killed, or still running\n", out);
}

static void put_rows(FILE *out, const struct mp_heap_header *header,
                     const struct mp_heap_processes *processes, size_t most,
                     const struct mp_heap_style *style)
{
    const struct mp_heap_process **order = malloc(processes->count * sizeof *order);
    if (!order)
        return;
    for (size_t i = 0; i < processes->count; i++)
        order[i] = &processes->processes[i];
    qsort(order, processes->count, sizeof *order, by_peak);
    for (size_t i = 0; i < processes->count && i < most; i++)
        put_process(out, header, order[i], style);
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

static void put_json(FILE *out, const struct mp_heap_process *process)
{
    fprintf(out, "\n    {\"pid\": %" PRId64 ", \"parent\": %" PRId64 ", \"command\": ",
            process->pid, process->parent);
    mp_escape_json(out, process->command, strlen(process->command));
    fputs(", \"file\": ", out);
    mp_escape_json(out, process->file, strlen(process->file));
    fprintf(out,
            ", \"wall_start\": %" PRId64 ", \"elapsed\": %" PRId64 ", \"peak\": %" PRId64
            ", \"peak_time\": %" PRId64 ", \"live\": %" PRId64 ", \"closed\": %s}",
            process->wall_start, process->elapsed, process->peak, process->peak_time,
            process->live, process->clean ? "true" : "false");
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
