#include "cmd/heap_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap_series.h"
#include "cmd/command.h"
#include "cmd/heap_choice.h"
#include "store/heap_run.h"

static int add(struct mp_heap_run *run, const char *path,
               const struct mp_heap_capture *capture)
{
    return mp_heap_merge_add(&run->merge, &capture->view) ||
           mp_heap_processes_add(&run->processes, path, &capture->view);
}

/* What cannot be read is said, and left out. */
static int add_child(struct mp_heap_run *run, const char *path)
{
    struct mp_heap_capture capture;
    int failed = mp_heap_open(&capture, path) ? 0 : add(run, path, &capture);
    mp_heap_capture_release(&capture);
    return failed;
}

/* What a process that was shown alone would say, or how many of them would. */
static const char *say_open(struct mp_heap_run *run)
{
    size_t open = 0, count = run->processes.count;
    for (size_t i = 0; i < count; i++)
        open += !run->processes.processes[i].clean;
    const char *own =
        run->capture.view.header->clean || count == 1 ? run->capture.incomplete : NULL;
    if (own || !open ||
        asprintf(
            &run->why,
            "%zu of %zu processes %s killed, or %s still running; until then all is there",
            open, count, open == 1 ? "was" : "were", open == 1 ? "is" : "are") < 0)
        return own;
    return run->why;
}

static void say_incomplete(struct mp_heap_run *run)
{
    uint64_t lost = run->processes.unrecorded;
    const char *open = say_open(run);
    char *both;
    run->incomplete = open;
    if (!lost ||
        asprintf(&both, "%s%s%" PRIu64 " more process%s of the run %s not recorded",
                 open ? open : "", open ? "; " : "", lost, lost == 1 ? "" : "es",
                 lost == 1 ? "was" : "were") < 0)
        return;
    free(run->why);
    run->incomplete = run->why = both;
}

static int merge(struct mp_heap_run *run, const char *path,
                 const struct mp_heap_children *children)
{
    int failed = mp_heap_merge_init(&run->merge) || add(run, path, &run->capture);
    for (size_t i = 0; i < children->count && !failed; i++)
        failed = add_child(run, children->paths[i]);
    if (failed)
        return mp_fail("out of memory");
    uint64_t joined = run->capture.view.header->children, found = run->processes.count - 1;
    run->processes.unrecorded = joined > found ? joined - found : 0;
    if (found) /* else the first is all there is, and is shown as that */
        run->view = mp_heap_merge_view(&run->merge);
    say_incomplete(run);
    return 0;
}

int mp_heap_run_read(struct mp_heap_run *run, const char *path, bool alone)
{
    struct mp_heap_children children = {0};
    *run = (struct mp_heap_run){0};
    int code = mp_heap_open(&run->capture, path);
    if (code)
        return code;
    run->view = run->capture.view;
    run->incomplete = run->capture.incomplete;
    bool may_have = !alone && !run->view.header->parent && run->view.header->children;
    if (may_have && mp_heap_children_find(&children, path))
        code = mp_fail("cannot look for the captures of the children of %s", path);
    else if (may_have)
        code = merge(run, path, &children);
    mp_heap_children_release(&children);
    return code;
}

int mp_heap_run_list(struct mp_heap_run *run, const char *path)
{
    return run->processes.count
               ? 0
               : mp_heap_processes_add(&run->processes, path, &run->capture.view);
}

int64_t mp_heap_run_peak(const struct mp_heap_run *run, int64_t *time)
{
    const struct mp_heap_header *header = run->view.header;
    const struct mp_heap_point *sampled = mp_heap_marks(&run->view).peak;
    int64_t peak = run->view.processes ? 0 : header->peak;
    *time = header->peak_time;
    for (size_t i = 0; i < run->processes.count; i++) {
        const struct mp_heap_process *process = &run->processes.processes[i];
        if (process->sum.at_peak <= peak)
            continue;
        peak = process->sum.at_peak;
        *time = process->wall_start - header->wall_start + process->peak_time;
    }
    if (run->view.processes && sampled && sampled->heap > peak) {
        peak = sampled->heap;
        *time = sampled->time;
    }
    return peak;
}

void mp_heap_run_release(struct mp_heap_run *run)
{
    mp_heap_processes_release(&run->processes);
    free(run->why);
    mp_heap_merge_release(&run->merge);
    mp_heap_capture_release(&run->capture);
    *run = (struct mp_heap_run){0};
}
