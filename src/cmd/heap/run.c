#include "cmd/heap/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/series.h"
#include "base/saturate.h"
#include "cmd/heap/choice.h"
#include "cmd/heap/why_died.h"
#include "cmd/shared/command.h"
#include "report/heap/summary.h"
#include "store/heap/run.h"

/* Owners of all processes that are kept, and of each at least. */
enum { OWNERS = 6000, LEAST_OWNERS = 4 };

/* There are some. */
static size_t owners_of_each(const struct mp_heap_members *members)
{
    size_t most = OWNERS / members->count;
    return most < LEAST_OWNERS          ? LEAST_OWNERS
           : most > MP_HEAP_OWNERS_MOST ? MP_HEAP_OWNERS_MOST
                                        : most;
}

static int add(struct mp_heap_run *run, const char *path,
               const struct mp_heap_capture *capture, const struct mp_heap_view *view)
{
    bool open = !capture->view.header->clean;
    run->running += open && capture->writer == MP_WRITER_RUNS;
    run->gone += open && capture->writer == MP_WRITER_GONE;
    run->unknown += open && capture->writer == MP_WRITER_UNKNOWN;
    if (run->death.how == MP_HEAP_DEATH_NONE && capture != &run->capture) {
        run->death = mp_heap_why_died(capture);
        run->death.alone = false;
    }
    if (mp_heap_merge_add(&run->merge, view) || mp_heap_kept_add(&run->kept, view) ||
        mp_heap_processes_add(&run->processes, path, view))
        return -1;
    struct mp_heap_process *process = &run->processes.processes[run->processes.count - 1];
    bool may_be =
        capture->writer == MP_WRITER_UNKNOWN && !(view->header->followed & MP_HEAP_LIVED);
    process->gone = open && (may_be || capture->writer == MP_WRITER_GONE);
    return run->owners ? mp_heap_owners_keep(&process->owners, view, run->owners) : 0;
}

/* As it was asked for. */
static int add_shown(struct mp_heap_run *run, const char *path,
                     const struct mp_heap_capture *capture)
{
    struct mp_heap_range range;
    struct mp_heap_shown shown;
    bool one_clock =
        !mp_heap_has_other_clock(run->capture.view.header, capture->view.header);
    mp_heap_range_beside(&run->asked, &capture->view, one_clock, &range);
    run->shown.range.from.live = mp_sum(run->shown.range.from.live, range.from.live);
    run->shown.range.to.live = mp_sum(run->shown.range.to.live, range.to.live);
    int failed = mp_heap_shown_init(&shown, &capture->view, &range) ||
                 add(run, path, capture, &shown.view);
    mp_heap_shown_release(&shown);
    return failed;
}

/* A copy of one that is there, as beside the bundle that it went into, is that one. */
static bool is_copy(const struct mp_heap_run *run, const struct mp_heap_header *header)
{
    for (size_t i = 0; i < run->processes.count; i++) {
        const struct mp_heap_process *other = &run->processes.processes[i];
        if (other->run == header->run && other->pid == header->pid &&
            other->wall_start == header->wall_start && header->run)
            return true;
    }
    return false;
}

/* What cannot be read is said, and left out. */
static int add_other(struct mp_heap_run *run, const char *path)
{
    struct mp_heap_capture capture;
    bool unread = mp_heap_open(&capture, path);
    run->unread += unread;
    bool copy = !unread && is_copy(run, capture.view.header);
    run->copies += copy;
    int failed = unread || copy    ? 0
                 : run->asked.what ? add_shown(run, path, &capture)
                                   : add(run, path, &capture, &capture.view);
    if (!unread && !copy)
        mp_heap_instants_add(run->instants, run->instant_count, run->capture.view.header,
                             &capture.view);
    mp_heap_capture_release(&capture);
    return failed;
}

/* How many of the processes have not closed theirs, and why. Negative without memory. */
static int count_open(struct mp_heap_run *run)
{
    size_t all = run->processes.count, open = run->running + run->gone + run->unknown;
    const char *are = open == 1 ? "is" : "are", *were = open == 1 ? "was" : "were";
    if (run->unknown)
        return asprintf(&run->why,
                        "%zu of %zu processes %s killed, or %s still running; until "
                        "then all is there",
                        open, all, were, are);
    if (run->running && run->gone)
        return asprintf(&run->why,
                        "of %zu processes %zu still run and %zu were killed, or replaced "
                        "(exec); until then all is there",
                        all, run->running, run->gone);
    if (run->running)
        return asprintf(&run->why, "%zu of %zu processes %s still running", open, all, are);
    return asprintf(&run->why,
                    "%zu of %zu processes %s killed, or replaced (exec); until then all "
                    "is there",
                    open, all, were);
}

/* What a process that was shown alone would say, or how many of them would. */
static const char *say_open(struct mp_heap_run *run)
{
    size_t open = run->running + run->gone + run->unknown;
    const char *own = run->capture.view.header->clean || run->processes.count == 1
                          ? run->capture.incomplete
                          : NULL;
    return own || !open || count_open(run) < 0 ? own : run->why;
}

void mp_heap_run_say_also(struct mp_heap_run *run, const char *part)
{
    char *both;
    if (asprintf(&both, "%s%s%s", run->incomplete ? run->incomplete : "",
                 run->incomplete ? "; " : "", part) < 0)
        return;
    free(run->why);
    run->incomplete = run->why = both;
}

static void say_incomplete(struct mp_heap_run *run)
{
    uint64_t lost = run->processes.unrecorded;
    char part[96];
    run->incomplete = say_open(run);
    if (lost) {
        snprintf(part, sizeof part, "%" PRIu64 " more process%s of the run %s not recorded",
                 lost, lost == 1 ? "" : "es", lost == 1 ? "was" : "were");
        mp_heap_run_say_also(run, part);
    }
    if (run->unread) {
        snprintf(part, sizeof part, "%zu more capture%s could not be read", run->unread,
                 run->unread == 1 ? "" : "s");
        mp_heap_run_say_also(run, part);
    }
}

/* A moment of a run is that of its first process. */
static void show_all(struct mp_heap_run *run)
{
    const struct mp_heap_range *range = run->view.range;
    run->view = mp_heap_merge_view(&run->merge);
    run->view.range = range;
    if (range && range->is_at)
        run->merge.header.peak_time = range->to.time;
}

/* Those that joined the runs whose first captures are here, and have none here. */
static void count_unrecorded(struct mp_heap_run *run)
{
    const struct mp_heap_processes *list = &run->processes;
    uint64_t joined = 0, found = 0;
    for (size_t i = 0; i < list->count && !(run->how & MP_HEAP_RUN_ALONE); i++) {
        const struct mp_heap_process *first = &list->processes[i];
        if (first->parent || !first->children)
            continue;
        joined += first->children;
        for (size_t j = 0; j < list->count; j++)
            found += list->processes[j].parent && list->processes[j].run == first->run;
    }
    run->processes.unrecorded = joined > found ? joined - found : 0;
}

/* All but the one at `first`, which is open. */
static int merge(struct mp_heap_run *run, const struct mp_heap_members *members,
                 size_t first)
{
    int failed = mp_heap_merge_init(&run->merge);
    run->merge.keeps_shares = run->how & MP_HEAP_RUN_SHARES;
    run->merge.types.at = run->how & MP_HEAP_RUN_TYPES_AT;
    run->owners = run->how & MP_HEAP_RUN_SHARES ? owners_of_each(members) : 0;
    failed = failed || add(run, members->paths[first], &run->capture, &run->view);
    run->instant_count = mp_heap_instants(&run->capture.view, run->instants);
    for (size_t i = first + 1; i < members->count && !failed; i++)
        failed = add_other(run, members->paths[i]);
    if (failed)
        return mp_fail("out of memory");
    if (run->copies)
        mp_note("%zu captures are copies of others here, and are counted once",
                run->copies);
    count_unrecorded(run);
    if (run->processes.count > 1) /* else the first is all there is, and is shown as that */
        show_all(run);
    say_incomplete(run);
    return 0;
}

/* In the first process, else in the others. What of them cannot be read is said later. */
static void look(struct mp_heap_run *run, const struct mp_heap_members *members,
                 size_t first)
{
    bool all = mp_heap_range_look(&run->asked, &run->capture.view);
    for (size_t i = first + 1; i < members->count && !all; i++) {
        struct mp_heap_capture capture;
        if (mp_heap_read(&capture, members->paths[i]) == MP_HEAP_OK)
            all = mp_heap_range_look(&run->asked, &capture.view);
        mp_heap_capture_release(&capture);
    }
}

/* The first process's capture as it was asked for. Returns 0, or the exit code. */
static int show_first(struct mp_heap_run *run, const struct mp_heap_members *members,
                      size_t first)
{
    struct mp_heap_range range;
    if (!run->asked.what)
        return 0;
    look(run, members, first);
    int code =
        mp_heap_range_find(&run->asked, &run->capture.view, members->paths[first], &range);
    if (code)
        return code;
    if (mp_heap_shown_init(&run->shown, &run->capture.view, &range))
        return mp_fail("out of memory");
    run->view = run->shown.view;
    return 0;
}

int mp_heap_run_read(struct mp_heap_run *run, const char *path, bool alone)
{
    return mp_heap_run_read_range(run, path, alone, NULL);
}

int mp_heap_run_read_range(struct mp_heap_run *run, const char *path, bool alone,
                           const struct mp_heap_asked_range *asked)
{
    struct mp_heap_members members = {0};
    *run = (struct mp_heap_run){0};
    int code = mp_heap_members_add(&members, path) ? mp_heap_open(&run->capture, path) : 0;
    if (!code && !members.count)
        code = mp_fail("no heap capture in %s", path);
    if (!code)
        code = mp_heap_run_read_all(run, &members, alone ? MP_HEAP_RUN_ALONE : 0, asked);
    mp_heap_members_release(&members);
    return code;
}

/* Adds a capture's children behind it. */
static int add_children(struct mp_heap_members *all, const char *path)
{
    struct mp_heap_children children;
    struct mp_heap_header header;
    if (!mp_heap_peek(path, &header) || header.parent || !header.children)
        return 0;
    int code = mp_heap_children_find(&children, path, 0)
                   ? mp_fail("cannot look for the captures of the children of %s", path)
                   : 0;
    if (children.left_out)
        mp_note("%s: %zu captures more than a run has, %zu, are not read", path,
                children.left_out, children.count);
    for (size_t i = 0; i < children.count && !code; i++)
        if (mp_heap_members_add(all, children.paths[i]) && errno == ENOMEM)
            code = mp_fail("out of memory");
    mp_heap_children_release(&children);
    return code;
}

int mp_heap_members_with_children(struct mp_heap_members *all,
                                  const struct mp_heap_members *named, bool alone)
{
    int code = 0;
    for (size_t i = 0; i < named->count && !code; i++) {
        if (mp_heap_members_add(all, named->paths[i]) && errno == ENOMEM)
            code = mp_fail("out of memory");
        if (!code && !alone)
            code = add_children(all, named->paths[i]);
    }
    return code;
}

/* The first that can be read. Returns the exit code of the last that cannot, where none can. */
static int open_first(struct mp_heap_run *run, const struct mp_heap_members *all,
                      size_t *first)
{
    int code = MP_EXIT_FAILURE;
    for (*first = 0; *first < all->count; ++*first) {
        code = mp_heap_open(&run->capture, all->paths[*first]);
        if (!code)
            break;
        run->unread++;
        mp_heap_capture_release(&run->capture);
    }
    return code;
}

static int read_all(struct mp_heap_run *run, const struct mp_heap_members *all)
{
    size_t first;
    int code = open_first(run, all, &first);
    if (code)
        return code;
    run->view = run->capture.view;
    run->incomplete = run->capture.incomplete;
    run->death = mp_heap_why_died(&run->capture);
    struct mp_heap_header header;
    bool bundled = !mp_heap_peek(all->paths[first], &header); /* it was named alone */
    bool lacks_some = !(run->how & MP_HEAP_RUN_ALONE) && !bundled &&
                      !run->view.header->parent && run->view.header->children;
    code = show_first(run, all, first);
    if (!code && (all->count > 1 || lacks_some))
        code = merge(run, all, first);
    else if (mp_heap_kept_add(&run->kept, &run->view))
        code = mp_fail("out of memory");
    mp_heap_kept_sort(&run->kept);
    if (!code && run->view.several_clocks && mp_heap_range_is_time(&run->asked))
        code = mp_fail(MP_HEAP_CLOCKS);
    return code;
}

int mp_heap_run_read_all(struct mp_heap_run *run, const struct mp_heap_members *named,
                         unsigned how, const struct mp_heap_asked_range *asked)
{
    struct mp_heap_members all = {0};
    *run = (struct mp_heap_run){.how = how};
    if (asked)
        run->asked = *asked;
    int code = mp_heap_members_with_children(&all, named, how & MP_HEAP_RUN_ALONE);
    if (!code)
        code = read_all(run, &all);
    mp_heap_members_release(&all);
    return code;
}

int mp_heap_run_list(struct mp_heap_run *run, const char *path)
{
    return run->processes.count ? 0
                                : mp_heap_processes_add(&run->processes, path, &run->view);
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
        *time = mp_sum(mp_difference(process->wall_start, header->wall_start),
                       process->peak_time);
    }
    if (run->view.processes && sampled && sampled->heap > peak) {
        peak = sampled->heap;
        *time = sampled->time;
    }
    return peak;
}

int mp_heap_run_warn(const struct mp_heap_run *run, const char *path)
{
    char *text = NULL, *at;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return mp_fail("out of memory");
    mp_heap_put_missing(out, run->view.header, run->incomplete);
    fclose(out);
    for (char *line = strtok_r(text, "\n", &at); line; line = strtok_r(NULL, "\n", &at))
        mp_note("%s: %s", path, line);
    free(text);
    return MP_EXIT_OK;
}

void mp_heap_run_release(struct mp_heap_run *run)
{
    mp_heap_processes_release(&run->processes);
    free(run->why);
    mp_heap_merge_release(&run->merge);
    mp_heap_kept_release(&run->kept);
    mp_heap_shown_release(&run->shown);
    mp_heap_capture_release(&run->capture);
    *run = (struct mp_heap_run){0};
}
