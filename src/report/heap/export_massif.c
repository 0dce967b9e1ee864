/* What valgrind's massif writes: the heap over time, and at one moment a tree of who allocated it, from
 * the innermost frame to its callers.
 *
 *     n2: 100 (heap allocation functions) malloc/new/new[], --alloc-fns, etc.
 *      n1: 80 0x3: load (a.py:7)
 *       n0: 80 0x2: main (a.py:3)
 *      n0: 20 in 4 places, all below massif's threshold (1.00%)
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/command.h"
#include "aggregate/heap/series.h"
#include "base/saturate.h"
#include "report/heap/export_parts.h"

/* Massif's own defaults. */
enum { DEPTH = 30, PERCENT = 1, MOST_CALLERS = 100 / PERCENT, SNAPSHOTS = 72 };

/* A stack that allocated, seen from one of its frames. */
struct seen {
    uint32_t at, spot;
    int64_t bytes;
};

struct group {
    size_t from, count;
    int64_t bytes;
};

struct groups {
    struct group groups[MOST_CALLERS + 1];
    size_t count, smaller;
    int64_t smaller_bytes;
};

static int compare_seen(const void *left, const void *right)
{
    const struct seen *a = left, *b = right;
    return (a->spot > b->spot) - (a->spot < b->spot);
}

static int compare_groups(const void *left, const void *right)
{
    const struct group *a = left, *b = right;
    return a->bytes != b->bytes ? (a->bytes < b->bytes ? 1 : -1)
                                : (a->from > b->from) - (a->from < b->from);
}

static void add_group(struct groups *groups, const struct group *group, int64_t total)
{
    bool large = group->bytes >= total / 100 * PERCENT && groups->count < MOST_CALLERS;
    if (large) {
        groups->groups[groups->count++] = *group;
        return;
    }
    groups->smaller++;
    groups->smaller_bytes = mp_sum(groups->smaller_bytes, group->bytes);
}

/* Those that are on the same place in the code. Where a stack has ended it is in none, but for the
   innermost: no Python code was running. */
static void find_groups(struct groups *groups, struct seen *seen, size_t count,
                        int64_t total, bool innermost)
{
    groups->count = groups->smaller = 0;
    groups->smaller_bytes = 0;
    if (count)
        qsort(seen, count, sizeof *seen, compare_seen);
    struct group group = {0};
    for (size_t i = 0; i < count; i++) {
        group.bytes = mp_sum(group.bytes, seen[i].bytes);
        group.count++;
        if (i + 1 < count && seen[i + 1].spot == seen[i].spot)
            continue;
        if (seen[i].spot || innermost)
            add_group(groups, &group, total);
        group = (struct group){.from = i + 1};
    }
    qsort(groups->groups, groups->count, sizeof *groups->groups, compare_groups);
}

struct tree {
    FILE *out;
    const struct mp_heap_export *export;
    int64_t total;
};

/* A frame that is shown with those that called it; at most DEPTH deep. */
static void put_callers(const struct tree *tree, struct seen *seen, size_t count, int depth)
{
    const struct mp_flame_calls *calls = tree->export->calls;
    uint32_t spot = count ? seen->spot : 0;
    struct groups groups = {.count = 0};
    for (size_t i = 0; depth && i < count; i++) {
        seen[i].at = calls->flame->frames[seen[i].at].parent;
        seen[i].spot = calls->numbers[seen[i].at];
    }
    int64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes = mp_sum(bytes, seen[i].bytes);
    if (depth < DEPTH)
        find_groups(&groups, seen, count, tree->total, !depth);
    fprintf(tree->out, "%*sn%zu: %" PRId64 " ", depth, "",
            groups.count + (groups.smaller > 0), bytes);
    if (depth) {
        fprintf(tree->out, "0x%X: ", spot);
        mp_heap_put_spot(tree->out, tree->export, &calls->spots[spot], "#");
    } else {
        fputs("(heap allocation functions) malloc/new/new[], --alloc-fns, etc.", tree->out);
    }
    fputc('\n', tree->out);
    for (size_t i = 0; i < groups.count; i++)
        put_callers(tree, seen + groups.groups[i].from, groups.groups[i].count, depth + 1);
    if (groups.smaller)
        fprintf(tree->out,
                "%*sn0: %" PRId64 " in %zu place%s, %sbelow massif's threshold (%d.00%%)\n",
                depth + 1, "", groups.smaller_bytes, groups.smaller,
                groups.smaller > 1 ? "s" : "", groups.smaller > 1 ? "all " : "", PERCENT);
}

static int put_tree(FILE *out, const struct mp_heap_export *export, int64_t total)
{
    const struct mp_flame_calls *calls = export->calls;
    struct seen *seen = calloc(calls->flame->count, sizeof *seen);
    struct tree tree = {out, export, total};
    size_t count = 0;
    for (uint32_t i = 0; seen && i < calls->flame->count; i++)
        if (calls->own[i][export->measure].bytes)
            seen[count++] =
                (struct seen){i, calls->numbers[i], calls->own[i][export->measure].bytes};
    if (seen)
        put_callers(&tree, seen, count, 0);
    int failed = seen ? 0 : -1;
    free(seen);
    return failed;
}

static void put_snapshot(FILE *out, unsigned number, int64_t time, int64_t bytes,
                         const char *tree)
{
    fprintf(out,
            "#-----------\nsnapshot=%u\n#-----------\ntime=%" PRId64 "\nmem_heap_B=%" PRId64
            "\nmem_heap_extra_B=0\nmem_stacks_B=0\nheap_tree=%s\n",
            number, time / 1000000, bytes, tree);
}

/* The time that the tree is of. */
static int64_t time_of(const struct mp_heap_export *export)
{
    const struct mp_heap_header *header = export->view->header;
    int64_t time =
        export->measure == MP_HEAP_MEASURE_PEAK ? header->peak_time : header->elapsed;
    return time > 0 ? time : 0;
}

/* What is in the series on one side of that time, and no more than the tree where it is the peak.
   What was allocated in all is no course of the heap: there is the tree alone. */
static unsigned put_series(FILE *out, const struct mp_heap_export *export, bool before,
                           unsigned number, int64_t total)
{
    struct mp_heap_point buckets[SNAPSHOTS];
    int64_t width = export->view->header->elapsed / SNAPSHOTS, time = time_of(export);
    if (export->measure == MP_HEAP_MEASURE_ALLOCATED || width <= 0)
        return number;
    mp_heap_buckets(export->view, buckets, SNAPSHOTS);
    for (int i = 0; i < SNAPSHOTS; i++) {
        int64_t at = width * i, heap = buckets[i].heap > 0 ? buckets[i].heap : 0;
        bool most =
            export->measure == MP_HEAP_MEASURE_PEAK && !export->view->range && heap > total;
        if ((at < time) == before)
            put_snapshot(out, number++, at, most ? total : heap, "empty");
    }
    return number;
}

static void put_head(FILE *out, const struct mp_heap_export *export)
{
    char command[MP_HEAP_COMMAND];
    uint64_t sample = export->view->header->sample;
    mp_heap_command(command, export->view->header->command);
    fprintf(out, MP_HEAP_MASSIF_MARK " " MP_VERSION ", %s",
            mp_heap_measure_names[export->measure]);
    if (sample)
        fprintf(out, ", sampled: one block in %" PRIu64 " bytes", sample);
    if (export->incomplete)
        fprintf(out, ", incomplete: %s", export->incomplete);
    fputs("\ncmd: ", out);
    mp_heap_put_words(out, command, strlen(command), "#");
    fputs("\ntime_unit: ms\n", out);
}

int mp_heap_export_massif(FILE *out, const struct mp_heap_export *export)
{
    int64_t total =
        mp_heap_amount_of(&export->calls->flame->frames[0].sum, export->measure).bytes;
    put_head(out, export);
    unsigned number = put_series(out, export, true, 0, total);
    put_snapshot(out, number, time_of(export), total,
                 export->measure == MP_HEAP_MEASURE_PEAK ? "peak" : "detailed");
    int failed = put_tree(out, export, total);
    put_series(out, export, false, number + 1, total);
    return failed;
}
