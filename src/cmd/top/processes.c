#include "cmd/top/processes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/saturate.h"

/* A reading of PSS walks page tables: it takes a hundredth of the time at most. */
enum { PSS_SHARE = 100, MOST_ENDED = 32 };

static const double LATEST =
    0.4; /* of the growth a second, how much the last second counts */

static int make_room(struct mp_top_processes *processes, size_t count)
{
    return mp_array_reserve((void **)&processes->rows, &processes->row_room, count,
                            sizeof *processes->rows) ||
           mp_array_reserve((void **)&processes->open, &processes->open_room, count,
                            sizeof *processes->open) ||
           mp_array_reserve((void **)&processes->pss, &processes->pss_room, count,
                            sizeof *processes->pss) ||
           mp_array_reserve((void **)&processes->pss_next, &processes->next_room, count,
                            sizeof *processes->pss_next);
}

static void close_one(struct mp_top_processes *processes, size_t i)
{
    if (!processes->rows[i].is_there)
        return;
    mp_process_release(&processes->open[i]);
    if (processes->pss_next[i] != INT64_MAX)
        mp_meter_release(&processes->pss[i]);
    processes->rows[i].is_there = false;
    processes->rows[i].rate = 0;
}

/* Its position; SIZE_MAX: it is new. */
static size_t find(const struct mp_top_processes *processes, pid_t pid)
{
    for (size_t i = 0; i < processes->count; i++)
        if (processes->rows[i].pid == pid && processes->rows[i].is_there)
            return i;
    return SIZE_MAX;
}

static int open_one(struct mp_top_processes *processes, pid_t pid, enum mp_metric metric)
{
    size_t at = processes->count;
    if (make_room(processes, at + 1))
        return -1;
    if (mp_process_open(&processes->open[at], pid, metric, MP_MARKS_NONE))
        return 0; /* it ended meanwhile, or is not ours to see */
    processes->rows[at] = (struct mp_top_process){
        .pid = pid, .parent = processes->open[at].parent, .pss = -1, .is_there = true};
    bool asks = metric == MP_RSS && !mp_meter_open(&processes->pss[at], pid, MP_PSS);
    processes->pss_next[at] = asks ? 0 : INT64_MAX;
    processes->count++;
    return 0;
}

static void read_pss(struct mp_top_processes *processes, size_t i)
{
    int64_t before = mp_clock_ns();
    if (before < processes->pss_next[i])
        return;
    processes->rows[i].pss = mp_meter_read(&processes->pss[i]);
    int64_t after = mp_clock_ns();
    processes->pss_next[i] = mp_sum(after, mp_product(after - before, PSS_SHARE));
}

static void read_one(struct mp_top_processes *processes, size_t i, double seconds)
{
    struct mp_top_process *row = &processes->rows[i];
    bool is_new = !row->name[0] && !row->most;
    int64_t bytes = mp_process_read(&processes->open[i]);
    if (bytes < 0) {
        close_one(processes, i);
        return;
    }
    row->before = is_new ? bytes : row->bytes;
    row->bytes = bytes;
    row->most = bytes > row->most ? bytes : row->most;
    memcpy(row->name, processes->open[i].name, sizeof row->name);
    double grown = (double)mp_difference(bytes, row->before);
    if (seconds > 0)
        row->rate = row->rate * (1 - LATEST) + grown / seconds * LATEST;
    read_pss(processes, i);
}

/* Of those that ended the latest stay. */
static void drop_ended(struct mp_top_processes *processes)
{
    size_t ended = 0, kept = 0;
    for (size_t i = 0; i < processes->count; i++)
        ended += !processes->rows[i].is_there;
    for (size_t i = 0; i < processes->count; i++) {
        if (!processes->rows[i].is_there && ended > MOST_ENDED && ended--)
            continue;
        processes->rows[kept] = processes->rows[i];
        processes->open[kept] = processes->open[i];
        processes->pss[kept] = processes->pss[i];
        processes->pss_next[kept++] = processes->pss_next[i];
    }
    processes->count = kept;
}

static int depth_of(const struct mp_top_processes *processes, size_t i)
{
    int depth = 0;
    for (size_t above = find(processes, processes->rows[i].parent);
         above != SIZE_MAX && depth < 8;
         above = find(processes, processes->rows[above].parent))
        depth++;
    return depth;
}

int mp_top_processes_look(struct mp_top_processes *processes, pid_t root,
                          enum mp_metric metric, double seconds)
{
    int gone = mp_tree_list(&processes->tree, root) ? errno : 0;
    if (gone == ENOMEM)
        return -1;
    int failed = find(processes, root) == SIZE_MAX && open_one(processes, root, metric);
    for (size_t i = 0; i < processes->tree.count && !gone && !failed; i++)
        if (find(processes, processes->tree.pids[i]) == SIZE_MAX)
            failed = open_one(processes, processes->tree.pids[i], metric);
    for (size_t i = 0; i < processes->count; i++)
        if (processes->rows[i].is_there)
            read_one(processes, i, seconds);
    drop_ended(processes);
    for (size_t i = 0; i < processes->count; i++)
        processes->rows[i].depth = depth_of(processes, i);
    if (!processes->is_looked_at)
        mp_top_processes_mark(processes);
    processes->is_looked_at = true;
    if (!failed && find(processes, root) == SIZE_MAX) {
        errno = ESRCH;
        return -1;
    }
    return failed;
}

int mp_top_processes_add(struct mp_top_processes *processes, int pid, int parent,
                         const char *name, int64_t bytes, int64_t most)
{
    size_t at = processes->count;
    if (make_room(processes, at + 1))
        return -1;
    processes->rows[at] = (struct mp_top_process){.pid = pid,
                                                  .parent = parent,
                                                  .bytes = bytes,
                                                  .pss = -1,
                                                  .marked = bytes,
                                                  .most = most};
    snprintf(processes->rows[at].name, sizeof processes->rows[at].name, "%s", name);
    processes->pss_next[at] = INT64_MAX;
    processes->count++;
    return 0;
}

void mp_top_processes_mark(struct mp_top_processes *processes)
{
    for (size_t i = 0; i < processes->count; i++)
        processes->rows[i].marked = processes->rows[i].bytes;
}

void mp_top_processes_release(struct mp_top_processes *processes)
{
    for (size_t i = 0; i < processes->count; i++)
        close_one(processes, i);
    mp_tree_release(&processes->tree);
    free(processes->rows);
    free(processes->open);
    free(processes->pss);
    free(processes->pss_next);
    *processes = (struct mp_top_processes){0};
}
