#include "report/heap/balance.h"

#include <inttypes.h>
#include <string.h>

enum { COLUMNS = 2 };

static const struct {
    const char *label, *key;
} parts[MP_HEAP_PARTS] = {
    [MP_HEAP_PART_LIVE] = {"live blocks", "live"},
    [MP_HEAP_PART_POOLS] = {"free, kept by pymalloc", "pymalloc_free"},
    [MP_HEAP_PART_FREE] = {"free, kept by malloc", "malloc_free"},
    [MP_HEAP_PART_OTHER] = {"blocks not followed, and headers", "other_blocks"},
    [MP_HEAP_PART_BEFORE] = {"from before it was attached to", "before_attached"},
    [MP_HEAP_PART_LIBRARIES] = {"data of libraries", "libraries"},
    [MP_HEAP_PART_FILES] = {"pages of files", "files"},
    [MP_HEAP_PART_STACKS] = {"stacks", "stacks"},
    [MP_HEAP_PART_OWN] = {"memory_profiler itself", "memory_profiler"},
    [MP_HEAP_PART_REMAINDER] = {"remainder", "remainder"},
};

static const char *signed_size(int64_t bytes, char room[MP_HEAP_FIGURE + 1])
{
    room[0] = '-';
    mp_heap_size(bytes < 0 ? -bytes : bytes, room + (bytes < 0));
    return room;
}

static void put_figure(FILE *out, const struct mp_heap_sheet *sheet, bool known,
                       int64_t bytes)
{
    char size[MP_HEAP_FIGURE + 1];
    if (known && sheet->rss)
        fprintf(out, "%12s %6.1f%%", signed_size(bytes, size),
                100.0 * (double)bytes / (double)sheet->rss);
    else
        fprintf(out, "%12s %7s", "-", "");
}

/* That row is of captures alone that have such a part. */
static bool is_left_out(const struct mp_heap_sheet *sheet, int part)
{
    return part == MP_HEAP_PART_BEFORE && !sheet->known[part];
}

static void put_row(FILE *out, const struct mp_heap_sheet sheets[COLUMNS],
                    enum mp_heap_part part)
{
    if (is_left_out(&sheets[0], part) && is_left_out(&sheets[1], part))
        return;
    for (int i = 0; i < COLUMNS; i++)
        put_figure(out, &sheets[i], sheets[i].known[part], sheets[i].parts[part]);
    fprintf(out, "  %s\n", parts[part].label);
}

static void put_sums(FILE *out, const struct mp_heap_sheet sheets[COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++)
        put_figure(out, &sheets[i], true, sheets[i].rss);
    fputs("  RSS\n", out);
    if (!sheets[0].absent && !sheets[1].absent)
        return;
    for (int i = 0; i < COLUMNS; i++) {
        char size[MP_HEAP_FIGURE];
        fprintf(out, "%12s %7s", sheets[i].rss ? mp_heap_size(sheets[i].absent, size) : "-",
                "");
    }
    fputs("  live, but not resident\n", out);
}

/* What the sampled blocks of a sheet are off by, and what is taken off them with them. */
static const char *error_of(const struct mp_heap_header *header,
                            const struct mp_heap_sheet *sheet, bool in_short,
                            char room[MP_HEAP_FIGURE + 2])
{
    int64_t error = mp_heap_error(header, sheet->heap);
    if (!sheet->rss)
        return "-";
    memcpy(room, "+-", 2);
    if (in_short)
        mp_heap_short_size(error, room + 2);
    else
        mp_heap_size(error, room + 2);
    return room;
}

static const char errors_label[] = "  standard error of live blocks\n";

static void put_errors(FILE *out, const struct mp_heap_header *header,
                       const struct mp_heap_sheet sheets[COLUMNS])
{
    char error[MP_HEAP_FIGURE + 2];
    if (!header->sample)
        return;
    for (int i = 0; i < COLUMNS; i++)
        fprintf(out, "%12s %7s", error_of(header, &sheets[i], false, error), "");
    fputs(errors_label, out);
}

static void put_moment(FILE *out, const struct mp_heap_sheet *sheet, int64_t peak)
{
    char size[MP_HEAP_FIGURE];
    if (!sheet->rss || !peak)
        return;
    double share = (double)sheet->heap / (double)peak; /* a damaged file may say anything */
    if (share >= 0.999)
        return;
    fprintf(out, "at the peak: read at %.3f s, heap %s (%.1f%% of the peak)\n",
            (double)sheet->time / 1e9, mp_heap_size(sheet->heap, size), 100.0 * share);
}

void mp_heap_put_balance(FILE *out, const struct mp_heap_view *view)
{
    struct mp_heap_sheet sheets[COLUMNS] = {mp_heap_sheet(view, MP_HEAP_NEAR_PEAK),
                                            mp_heap_sheet(view, MP_HEAP_AT_END)};
    if (!sheets[0].rss && !sheets[1].rss)
        return;
    fprintf(out, "\nWhere the RSS is\n%12s %7s%12s %7s\n", "at the peak", "share",
            "at the end", "share");
    for (int part = 0; part < MP_HEAP_PARTS; part++)
        put_row(out, sheets, (enum mp_heap_part)part);
    put_sums(out, sheets);
    put_errors(out, view->header, sheets);
    put_moment(out, &sheets[0], view->header->peak);
}

/* Several. */

/* What tells a process's capture from the others of its run, of which several may have one pid:
   "first", "4711", "4711-1". */
static void put_name(FILE *out, const struct mp_heap_process *process)
{
    const char *dot = strrchr(process->file, '.');
    if (process->parent && dot)
        fprintf(out, "%11.11s", dot + 1);
    else
        fprintf(out, "%11s", "first");
}

/* A row of a size for each process; a part of them, RSS or what is not resident. */
static void put_sizes(FILE *out, const struct mp_heap_process *const *processes,
                      size_t count, enum mp_heap_reading moment, int row)
{
    size_t without = 0;
    for (size_t i = 0; i < count; i++)
        without += is_left_out(&processes[i]->sheets[moment], row);
    if (without == count)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct mp_heap_sheet *sheet = &processes[i]->sheets[moment];
        char size[MP_HEAP_FIGURE + 1];
        bool known = sheet->rss && (row >= MP_HEAP_PARTS || sheet->known[row]);
        int64_t bytes = row < MP_HEAP_PARTS    ? sheet->parts[row]
                        : row == MP_HEAP_PARTS ? sheet->rss
                                               : sheet->absent;
        fprintf(out, "%11s", known ? signed_size(bytes, size) : "-");
    }
    fprintf(out, "  %s\n",
            row < MP_HEAP_PARTS    ? parts[row].label
            : row == MP_HEAP_PARTS ? "RSS"
                                   : "live, but not resident");
}

/* Short: two of them do not touch. */
static void put_errors_of(FILE *out, const struct mp_heap_header *header,
                          const struct mp_heap_process *const *processes, size_t count,
                          enum mp_heap_reading moment)
{
    char error[MP_HEAP_FIGURE + 2];
    if (!header->sample)
        return;
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%11s", error_of(header, &processes[i]->sheets[moment], true, error));
    fputs(errors_label, out);
}

/* How near its peak each was read. */
static void put_nearness(FILE *out, const struct mp_heap_process *const *processes,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct mp_heap_sheet *sheet = &processes[i]->sheets[MP_HEAP_NEAR_PEAK];
        double peak = (double)processes[i]->sum.at_peak;
        if (sheet->rss && peak > 0)
            fprintf(out, "%10.1f%%", 100.0 * (double)sheet->heap / peak);
        else
            fprintf(out, "%11s", "-");
    }
    fputs("  of its peak, when it was read\n", out);
}

static void put_moment_of(FILE *out, const struct mp_heap_header *header,
                          const struct mp_heap_process *const *processes, size_t count,
                          enum mp_heap_reading moment, const char *title)
{
    bool any = false, absent = false;
    for (size_t i = 0; i < count; i++) {
        any |= processes[i]->sheets[moment].rss != 0;
        absent |= processes[i]->sheets[moment].absent != 0;
    }
    if (!any)
        return;
    fprintf(out, "\nWhere the RSS is, %s\n", title);
    for (size_t i = 0; i < count; i++)
        put_name(out, processes[i]);
    fputs("  process\n", out);
    for (int row = 0; row <= MP_HEAP_PARTS + absent; row++)
        put_sizes(out, processes, count, moment, row);
    put_errors_of(out, header, processes, count, moment);
    if (moment == MP_HEAP_NEAR_PEAK)
        put_nearness(out, processes, count);
}

void mp_heap_put_balances(FILE *out, const struct mp_heap_header *header,
                          const struct mp_heap_process *const *processes, size_t count)
{
    put_moment_of(out, header, processes, count, MP_HEAP_NEAR_PEAK,
                  "each process at its own peak");
    put_moment_of(out, header, processes, count, MP_HEAP_AT_END, "each process at its end");
}

static void put_sheet(FILE *out, const char *key, const struct mp_heap_sheet *sheet)
{
    fprintf(out, "\n    \"%s\": ", key);
    if (!sheet->rss) {
        fputs("null", out);
        return;
    }
    fprintf(out,
            "{\"time\": %" PRId64 ", \"heap\": %" PRId64 ", \"not_resident\": %" PRId64
            ", \"reserved\": %" PRId64 ", \"rss\": %" PRId64 ",\n     ",
            sheet->time, sheet->heap, sheet->absent, sheet->beside, sheet->rss);
    for (int part = 0; part < MP_HEAP_PARTS; part++) {
        if (is_left_out(sheet, part))
            continue;
        fprintf(out, "%s\"%s\": ", part ? ", " : "", parts[part].key);
        if (sheet->known[part])
            fprintf(out, "%" PRId64, sheet->parts[part]);
        else
            fputs("null", out);
    }
    fputc('}', out);
}

void mp_heap_balance_json(FILE *out, const struct mp_heap_sheet sheets[MP_HEAP_READINGS])
{
    static const char *const moments[MP_HEAP_READINGS] = {"at_start", "at_peak", "at_end"};
    fputs("\"balance\": {", out);
    for (int moment = 0; moment < MP_HEAP_READINGS; moment++) {
        fputs(moment ? "," : "", out);
        put_sheet(out, moments[moment], &sheets[moment]);
    }
    fputc('}', out);
}
