#include "cmd/top/members.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aggregate/heap/balance.h"
#include "aggregate/heap/command.h"
#include "base/array.h"
#include "base/saturate.h"
#include "cmd/heap/choice.h"
#include "cmd/shared/command.h"
#include "store/heap/run.h"

static void release(struct mp_top_member *member)
{
    if (member->asking)
        mp_heap_asking_release(member->asking);
    free(member->asking);
    if (member->is_seen)
        mp_meter_release(&member->meter);
    mp_heap_live_process_release(&member->process);
    mp_heap_follow_release(&member->follow);
    free(member->path);
    free(member);
}

static void name(struct mp_top_member *member)
{
    const struct mp_heap_header *header = member->follow.capture.view.header;
    mp_heap_command(member->name, header->command);
}

/* The number of a process may be another's by now, or another's here: it is ours if it has the file
   mapped. */
static void find_process(struct mp_top_member *member, int64_t pid)
{
    struct stat its, mapped;
    char *path = member->is_running ? mp_heap_of_process(pid) : NULL;
    bool is_ours = path && !stat(path, &mapped) && !fstat(member->follow.fd, &its) &&
                   mapped.st_ino == its.st_ino;
    if (is_ours)
        member->is_seen = !mp_meter_open(&member->meter, (pid_t)pid, MP_RSS);
    free(path);
}

/* A recording that was found: the first, or another in its place. */
static void begin(struct mp_top_member *member, int64_t pid)
{
    mp_heap_live_process_release(&member->process);
    if (member->is_seen)
        mp_meter_release(&member->meter);
    member->is_seen = false;
    member->session = member->follow.session;
    const struct mp_heap_capture *capture = &member->follow.capture;
    member->is_running = !capture->view.header->clean && capture->writer != MP_WRITER_GONE;
    name(member);
    member->process.view = &capture->view;
    member->process.pid = pid ? pid : capture->view.header->pid;
    member->process.name = member->name;
    find_process(member, member->process.pid);
}

static struct mp_top_member *add(struct mp_top_members *members, const char *path)
{
    if (mp_array_reserve((void **)&members->all, &members->room, members->count + 1,
                         sizeof *members->all))
        return NULL;
    struct mp_top_member *member = calloc(1, sizeof *member);
    if (!member || !(member->path = strdup(path))) {
        free(member);
        return NULL;
    }
    member->follow.fd = -1;
    return members->all[members->count++] = member;
}

int mp_top_members_open(struct mp_top_members *members, const char *path, bool alone,
                        int64_t pid)
{
    struct mp_heap_capture capture;
    *members = (struct mp_top_members){.alone = alone};
    int code = mp_heap_open(&capture, path); /* says what is wrong with it */
    mp_heap_capture_release(&capture);
    if (code)
        return code;
    struct mp_top_member *first = add(members, path);
    if (!first)
        return mp_fail("out of memory");
    if (mp_heap_follow_open(&first->follow, path))
        return mp_fail("cannot read %s: it changed meanwhile", path);
    begin(first, pid);
    return 0;
}

void mp_top_members_release(struct mp_top_members *members)
{
    for (size_t i = 0; i < members->count; i++)
        release(members->all[i]);
    free(members->all);
    free(members->shown);
    *members = (struct mp_top_members){0};
}

static bool is_known(const struct mp_top_members *members, const char *path)
{
    for (size_t i = 0; i < members->count; i++)
        if (!strcmp(members->all[i]->path, path))
            return true;
    return false;
}

/* A child's capture that cannot be read yet is tried again at the next look. */
static int add_child(struct mp_top_members *members, const char *path, bool *all)
{
    if (is_known(members, path))
        return 0;
    struct mp_top_member *member = add(members, path);
    if (!member)
        return -1;
    if (!mp_heap_follow_open(&member->follow, path)) {
        begin(member, 0);
        return 0;
    }
    *all = false;
    members->count--;
    release(member);
    return 0;
}

static int add_children(struct mp_top_members *members)
{
    struct mp_top_member *first = members->all[0];
    const struct mp_heap_header *header = first->process.view->header;
    struct mp_heap_children children;
    bool all = true;
    if (members->alone || header->parent || header->children == members->children)
        return 0;
    int failed = 0;
    if (!mp_heap_children_find(&children, first->path, MP_HEAP_CHILDREN))
        for (size_t i = 0; i < children.count && !failed; i++)
            failed = add_child(members, children.paths[i], &all);
    mp_heap_children_release(&children);
    if (all)
        members->children = header->children;
    return failed;
}

/* Of what cannot be read now the figures stay as they were. */
static void look(struct mp_top_members *members, struct mp_top_member *member,
                 bool *changed)
{
    bool its = false;
    enum mp_heap_problem problem = mp_heap_follow_update(&member->follow, &its);
    const struct mp_heap_capture *capture = &member->follow.capture;
    *changed |= its;
    member->is_broken = problem || !capture->view.header;
    if (member->is_broken) {
        members->problem = problem == MP_HEAP_DAMAGED ? "the file is damaged"
                                                      : "the file cannot be read now";
        return;
    }
    if (member->session != member->follow.session)
        begin(member, 0);
    member->is_running = !capture->view.header->clean && capture->writer != MP_WRITER_GONE;
}

/* What a process that ended held is gone with it; where all have, it is shown as it was. */
static int choose(struct mp_top_members *members)
{
    members->running = members->shown_count = 0;
    if (mp_array_reserve((void **)&members->shown, &members->shown_room, members->count + 1,
                         sizeof *members->shown))
        return -1;
    for (size_t i = 0; i < members->count; i++)
        members->running += !members->all[i]->is_broken && members->all[i]->is_running;
    for (size_t i = 0; i < members->count; i++) {
        struct mp_top_member *member = members->all[i];
        if (!member->is_broken && (member->is_running || !members->running))
            members->shown[members->shown_count++] = &member->process;
    }
    return 0;
}

int mp_top_members_look(struct mp_top_members *members, bool *changed)
{
    size_t running = members->running, count = members->count;
    *changed = false;
    members->problem = NULL;
    for (size_t i = 0; i < members->count; i++)
        if (members->all[i]->is_running || members->all[i]->is_broken || !i)
            look(members, members->all[i], changed);
    if (!members->all[0]->is_broken && add_children(members))
        return -1;
    if (choose(members))
        return -1;
    *changed |= running != members->running || count != members->count;
    return 0;
}

/* The last reading of the recorder, where the process itself cannot be seen. */
static int64_t recorded_rss(const struct mp_top_member *member)
{
    const struct mp_heap_series *series = &member->process.view->header->series;
    uint32_t bank = series->bank & 1, count = series->count[bank];
    return count && count <= MP_HEAP_POINTS ? series->points[bank][count - 1].rss : -1;
}

int64_t mp_top_members_rss(struct mp_top_members *members)
{
    int64_t sum = 0;
    for (size_t i = 0; i < members->count; i++) {
        struct mp_top_member *member = members->all[i];
        if (member->is_broken || (members->running && !member->is_running))
            continue;
        int64_t its = member->is_seen && member->is_running ? mp_meter_read(&member->meter)
                                                            : recorded_rss(member);
        if (its < 0)
            return -1;
        sum = mp_sum(sum, its);
    }
    return sum;
}

int64_t mp_top_members_heap(const struct mp_top_members *members)
{
    int64_t sum = 0;
    for (size_t i = 0; i < members->shown_count; i++)
        sum = mp_sum(sum, members->shown[i]->view->header->live);
    return sum;
}

int64_t mp_top_members_before(const struct mp_top_members *members)
{
    const struct mp_heap_view *view = &members->all[0]->follow.capture.view;
    return members->count == 1 && view->header ? mp_heap_before(view) : -1;
}

int64_t mp_top_members_peak(const struct mp_top_members *members)
{
    int64_t sum = 0;
    for (size_t i = 0; i < members->shown_count; i++)
        sum = mp_sum(sum, members->shown[i]->view->header->peak);
    return sum;
}

static void forget(struct mp_top_member *member)
{
    mp_heap_asking_release(member->asking);
    free(member->asking);
    member->asking = NULL;
}

size_t mp_top_members_mark(struct mp_top_members *members, const char *mark)
{
    size_t asked = 0;
    for (size_t i = 0; i < members->count; i++) {
        struct mp_top_member *member = members->all[i];
        if (!member->is_running || member->is_broken || member->asking)
            continue;
        member->asking = calloc(1, sizeof *member->asking);
        if (!member->asking)
            continue;
        if (mp_heap_ask(member->asking, member->path, mark))
            forget(member);
        else
            asked++;
    }
    return asked;
}

bool mp_top_members_are_asked(struct mp_top_members *members, size_t *refused)
{
    bool some = false;
    int64_t taken;
    *refused = 0;
    for (size_t i = 0; i < members->count; i++) {
        struct mp_top_member *member = members->all[i];
        if (!member->asking)
            continue;
        bool answered = mp_heap_asking_is_answered(member->asking, &taken);
        if (answered)
            *refused += taken < 0;
        if (answered || mp_heap_asking_is_over(member->asking))
            forget(member);
        else
            some = true;
    }
    return some;
}
