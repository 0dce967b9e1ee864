#include "capture/timeline/sampler.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/output.h"

enum { PROC_FILE_SYSTEM = 0x9fa0 };
#define LISTING_PERIOD MP_SECOND           /* list anyway this often */
#define LISTING_BLIND (MP_SECOND / 10)     /* where nothing tells of forks */
#define EVENTS_PERIOD (MP_SECOND / 10)     /* what happened in the group */
#define SHORTEST_SLEEP (MP_SECOND / 10)    /* of a machine: less is between two readings */
#define LOOK_PERIOD (MP_SECOND / 100)      /* marks of a small tree */
#define LOOK_PERIOD_EACH (MP_SECOND / 500) /* and this much per process */

/* A loadavg that some file system in user space invents tells nothing. */
static int open_loadavg(void)
{
    struct statfs where;
    int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && (fstatfs(fd, &where) || where.f_type != PROC_FILE_SYSTEM)) {
        close(fd);
        return -1;
    }
    return fd < 0 ? -1 : mp_output_lift(fd);
}

int mp_sampler_init(struct mp_sampler *sampler, pid_t root,
                    const struct mp_sampler_options *options)
{
    *sampler = (struct mp_sampler){
        .options = *options, .loadavg = -1, .group_limit = -1, .kills = -1};
    if (options->metric != MP_RSS)
        sampler->options.marks = MP_MARKS_NONE;
    if (mp_process_open(&sampler->root, root, options->metric, sampler->options.marks))
        return -1;
    sampler->root.looked = mp_clock_ns();
    if (sampler->options.marks == MP_MARKS_OWN && sampler->root.clear < 0)
        sampler->options.marks = MP_MARKS_WATCH;
    if (options->children) {
        sampler->loadavg = open_loadavg();
        if (options->fork_events)
            mp_fork_events_open(&sampler->fork_events, root);
    }
    if (options->group && mp_cgroup_find(&sampler->group, root))
        sampler->options.group = false;
    return 0;
}

void mp_sampler_release(struct mp_sampler *sampler)
{
    mp_process_release(&sampler->root);
    for (size_t i = 0; i < sampler->count; i++)
        mp_process_release(&sampler->children[i]);
    free(sampler->children);
    free(sampler->readings);
    free(sampler->marks);
    mp_fork_events_release(&sampler->fork_events);
    if (sampler->loadavg >= 0)
        close(sampler->loadavg);
}

static bool is_known(const struct mp_sampler *sampler, pid_t pid)
{
    for (size_t i = sampler->count; i-- > 0;)
        if (sampler->children[i].pid == pid)
            return true;
    return pid == sampler->root.pid;
}

static void add_child(struct mp_sampler *sampler, pid_t pid, int64_t now)
{
    if (is_known(sampler, pid) ||
        mp_array_reserve((void **)&sampler->children, &sampler->room, sampler->count + 1,
                         sizeof *sampler->children))
        return;
    struct mp_process *child = &sampler->children[sampler->count];
    if (mp_process_open(child, pid, sampler->options.metric, sampler->options.marks)) {
        sampler->unreadable |= errno == EACCES || errno == EPERM;
        return; /* gone already, or not ours to read */
    }
    child->looked = now;
    /* born since the round before, it spent all its time since; but in the first listing */
    if (sampler->options.cpu && !sampler->made)
        child->cpu = mp_process_cpu(child);
    sampler->count++;
    sampler->seen++;
}

/* A child between vfork and exec runs in its parent's memory: counting it would count that
   twice. */
static bool is_borrowing(const struct mp_process *child)
{
    return syscall(SYS_kcmp, child->parent, child->pid, KCMP_VM, 0, 0) == 0;
}

static void add_children_file(struct mp_sampler *sampler, const char *path, int64_t now)
{
    char text[4096 + 1];
    size_t kept = 0;
    ssize_t length;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    while ((length = read(fd, text + kept, sizeof text - 1 - kept)) > 0) {
        char *at = text, *end;
        text[kept += (size_t)length] = 0;
        while ((end = strchr(at, ' '))) { /* numbers, each with a blank behind */
            add_child(sampler, (pid_t)strtol(at, NULL, 10), now);
            at = end + 1;
        }
        kept -= (size_t)(at - text);
        memmove(text, at, kept);
    }
    close(fd);
}

static void add_children_of(struct mp_sampler *sampler, pid_t parent, int64_t now)
{
    char path[64 + 256];
    snprintf(path, sizeof path, "/proc/%d/task", (int)parent);
    DIR *tasks = opendir(path);
    if (!tasks)
        return;
    for (struct dirent *task; (task = readdir(tasks));) {
        if (!isdigit((unsigned char)task->d_name[0]))
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)parent, task->d_name);
        add_children_file(sampler, path, now);
    }
    closedir(tasks);
}

/* Whether a process may have been born since the last listing. */
static bool must_list(struct mp_sampler *sampler, int64_t now)
{
    char text[sizeof sampler->latest] = "";
    if (!sampler->listed || now >= sampler->next_listing)
        return true;
    if (sampler->loadavg < 0)
        return false;
    ssize_t length = pread(sampler->loadavg, text, sizeof text - 1, 0);
    const char *number = length > 0 ? strrchr(text, ' ') : NULL;
    if (!number || !strcmp(number, sampler->latest))
        return false;
    strcpy(sampler->latest, number);
    return true;
}

static void list_tree(struct mp_sampler *sampler, int64_t now)
{
    sampler->listed = true;
    sampler->lists++;
    sampler->next_listing = now + (sampler->loadavg < 0 ? LISTING_BLIND : LISTING_PERIOD);
    add_children_of(sampler, sampler->root.pid, now);
    for (size_t i = 0; i < sampler->count; i++)
        add_children_of(sampler, sampler->children[i].pid, now);
}

static void count_fork_event(void *context, pid_t pid, pid_t parent, bool died)
{
    (void)pid;
    (void)parent;
    ((struct mp_sampler *)context)->born += !died;
}

static int64_t look(struct mp_sampler *sampler, struct mp_process *process, int64_t now)
{
    int64_t from, mark = mp_process_look(process, now, &from);
    if (mark < 0)
        return process->bytes;
    if (!mp_array_reserve((void **)&sampler->marks, &sampler->mark_room,
                          sampler->mark_count + 1, sizeof *sampler->marks))
        sampler->marks[sampler->mark_count++] =
            (struct mp_mark){process->pid, mark, from + sampler->options.offset,
                             now + sampler->options.offset};
    return mark;
}

/* Every mark, at most every mark period. */
static void look_at_marks(struct mp_sampler *sampler, int64_t now, struct mp_round *round)
{
    sampler->mark_count = 0;
    round->bound.bytes = -1;
    if (sampler->options.marks == MP_MARKS_NONE || now < sampler->next_look)
        return;
    int64_t from = sampler->looked, sum = look(sampler, &sampler->root, now);
    if (sum > sampler->root_peak)
        sampler->root_peak = sum;
    for (size_t i = 0; i < sampler->count; i++)
        sum += look(sampler, &sampler->children[i], now);
    if (sampler->options.sum && from && sum > sampler->bound)
        round->bound = (struct mp_mark){0, sum, from + sampler->options.offset,
                                        now + sampler->options.offset};
    int64_t period = LOOK_PERIOD_EACH * (int64_t)(sampler->count + 1);
    sampler->bound = round->total.bytes;
    sampler->looked = now;
    sampler->next_look = now + (period > LOOK_PERIOD ? period : LOOK_PERIOD);
    round->marks = sampler->marks;
    round->mark_count = sampler->mark_count;
}

/* Percent of one CPU since the round before; -1 in the first. */
static int64_t read_cpu(const struct mp_sampler *sampler, struct mp_process *process,
                        int64_t now)
{
    int64_t before = process->cpu, spent = mp_process_cpu(process);
    if (spent < 0)
        return -1;
    process->cpu = spent;
    if (!sampler->made || now <= sampler->made || spent < before)
        return -1;
    return (int64_t)((double)(spent - before) / (double)(now - sampler->made) * 100 *
                     MP_PERCENT);
}

/* Reads every child; those that are gone leave the list. */
static int64_t read_children(struct mp_sampler *sampler, int64_t now,
                             struct mp_round *round)
{
    int64_t sum = 0;
    size_t kept = 0, read = 0;
    if (mp_array_reserve((void **)&sampler->readings, &sampler->reading_room,
                         sampler->count, sizeof *sampler->readings))
        return 0;
    for (size_t i = 0; i < sampler->count; i++) {
        struct mp_process *child = &sampler->children[i];
        int64_t bytes = mp_process_read(child);
        if (bytes < 0) {
            mp_process_release(child);
            continue;
        }
        sampler->children[kept++] = *child;
        child = &sampler->children[kept - 1];
        if (!child->settled && is_borrowing(child))
            continue;
        child->settled = true;
        struct mp_reading *reading = &sampler->readings[read++];
        *reading = (struct mp_reading){.pid = child->pid,
                                       .parent = child->parent,
                                       .bytes = bytes,
                                       .cpu = -1,
                                       .named = child->named};
        if (sampler->options.cpu)
            reading->cpu = read_cpu(sampler, child, now);
        if (sampler->options.sum && round->cpu >= 0 && reading->cpu > 0)
            round->cpu += reading->cpu;
        if (child->named)
            memcpy(reading->name, child->name, sizeof reading->name);
        child->named = false;
        sum += bytes;
    }
    sampler->count = kept;
    round->readings = sampler->readings;
    round->reading_count = read;
    return sum;
}

/* How many processes of the group were killed for memory since the last look. */
static int64_t read_kills(struct mp_sampler *sampler, int64_t now)
{
    if (now < sampler->next_events)
        return 0;
    int64_t before = sampler->kills;
    sampler->next_events = now + EVENTS_PERIOD;
    sampler->kills = mp_cgroup_read_events(&sampler->group).kills;
    return before >= 0 && sampler->kills > before ? sampler->kills - before : 0;
}

static int64_t read_sleep(struct mp_sampler *sampler)
{
    int64_t before = sampler->suspended;
    sampler->suspended = mp_clock_suspended();
    int64_t slept = sampler->suspended - before;
    return sampler->made && slept >= SHORTEST_SLEEP ? slept : 0;
}

static void read_group(struct mp_sampler *sampler, int64_t now, struct mp_round *round)
{
    round->kills = read_kills(sampler, now);
    round->group = mp_cgroup_current(&sampler->group);
    int64_t limit = mp_cgroup_limit(&sampler->group);
    if (limit != sampler->group_limit)
        round->limit = limit;
    sampler->group_limit = limit;
}

int mp_sampler_round(struct mp_sampler *sampler, struct mp_round *round)
{
    int64_t now = mp_clock_ns();
    *round = (struct mp_round){.bound.bytes = -1, .group = -1, .limit = -1, .cpu = -1};
    if (sampler->options.children && must_list(sampler, now))
        list_tree(sampler, now);
    if (sampler->fork_events.count)
        mp_fork_events_drain(&sampler->fork_events, count_fork_event, sampler);
    round->total.time = now + sampler->options.offset;
    round->total.bytes = mp_process_read(&sampler->root);
    if (round->total.bytes < 0)
        return -1;
    if (round->total.bytes > sampler->root_peak)
        sampler->root_peak = round->total.bytes;
    if (sampler->options.cpu)
        round->cpu = read_cpu(sampler, &sampler->root, now);
    int64_t children = sampler->options.children ? read_children(sampler, now, round) : 0;
    round->slept = read_sleep(sampler);
    sampler->made = now;
    if (sampler->options.sum)
        round->total.bytes += children;
    if (round->total.bytes > sampler->bound)
        sampler->bound = round->total.bytes;
    look_at_marks(sampler, now, round);
    if (sampler->options.group)
        read_group(sampler, now, round);
    int64_t highest = sampler->options.sum ? round->total.bytes : sampler->root_peak;
    if (highest > sampler->peak)
        sampler->peak = highest;
    return 0;
}

int64_t mp_sampler_unsampled(struct mp_sampler *sampler)
{
    if (!sampler->fork_events.count)
        return -1;
    mp_fork_events_drain(&sampler->fork_events, count_fork_event, sampler);
    return sampler->born > sampler->seen ? (int64_t)(sampler->born - sampler->seen) : 0;
}
