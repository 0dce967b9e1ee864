#include "capture/process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static ssize_t read_at(int directory, const char *name, char *text, size_t room)
{
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t length = read(fd, text, room - 1);
    int kept = errno;
    close(fd);
    errno = kept;
    if (length >= 0)
        text[length] = 0;
    return length;
}

/* Fields 3, 4 and 22 of stat; the name before them may hold anything. */
static int parse_stat(const char *text, char *state, pid_t *parent, uint64_t *start)
{
    const char *at = strrchr(text, ')');
    int ppid;
    unsigned long long ticks;
    if (!at ||
        sscanf(at + 1,
               " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
               "%*d %llu",
               state, &ppid, &ticks) != 3)
        return -1;
    *parent = ppid;
    *start = ticks;
    return 0;
}

uint64_t mp_process_start_time(pid_t pid)
{
    char path[64], text[1024], state;
    pid_t parent;
    uint64_t start = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (read_at(AT_FDCWD, path, text, sizeof text) < 0 ||
        parse_stat(text, &state, &parent, &start))
        return 0;
    return start;
}

bool mp_process_had_children(pid_t pid)
{
    char path[64], text[1024];
    unsigned long faults = 1; /* field 11: of the children waited for */
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (read_at(AT_FDCWD, path, text, sizeof text) < 0)
        return true;
    const char *at = strrchr(text, ')');
    return !at || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %lu", &faults) != 1 ||
           faults > 0;
}

static void open_marks(struct mp_process *process, int directory,
                       enum mp_mark_policy policy)
{
    if (policy == MP_MARKS_NONE)
        return;
    process->status = openat(directory, "status", O_RDONLY | O_CLOEXEC);
    if (policy == MP_MARKS_OWN)
        process->clear = openat(directory, "clear_refs", O_WRONLY | O_CLOEXEC);
}

static int open_inside(struct mp_process *process, int directory, enum mp_metric metric)
{
    char text[1024], state = 0;
    if (read_at(directory, "stat", text, sizeof text) < 0)
        return -1;
    if (parse_stat(text, &state, &process->parent, &process->start))
        process->start = 0; /* not known is not "somebody else" */
    if (state == 'Z' || state == 'X') {
        errno = ESRCH;
        return -1;
    }
    int fd = openat(directory, metric == MP_RSS ? "statm" : "smaps_rollup",
                    O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    mp_meter_adopt(&process->meter, fd, process->pid, metric);
    return 0;
}

int mp_process_open(struct mp_process *process, pid_t pid, enum mp_metric metric,
                    enum mp_mark_policy policy)
{
    char path[64];
    *process = (struct mp_process){
        .pid = pid, .status = -1, .clear = -1, .mark = -1, .highest = -1, .meter.fd = -1};
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        if (errno == ENOENT && !access("/proc/self/stat", F_OK))
            errno = ESRCH;
        return -1;
    }
    int failed = open_inside(process, directory, metric), kept = errno;
    if (!failed) {
        ssize_t length = read_at(directory, "comm", process->name, sizeof process->name);
        process->name[length > 0 ? length - (process->name[length - 1] == '\n') : 0] = 0;
        process->named = true;
        open_marks(process, directory, policy);
    }
    close(directory);
    errno = kept;
    return failed;
}

void mp_process_release(struct mp_process *process)
{
    mp_meter_release(&process->meter);
    if (process->status >= 0)
        close(process->status);
    if (process->clear >= 0)
        close(process->clear);
    process->status = process->clear = -1;
}

/* smaps_rollup belongs to the memory, not to the process: after an exec it must be opened
   again, if the number still is this process's. */
static int64_t read_after_exec(struct mp_process *process)
{
    mp_meter_release(&process->meter);
    if (process->start && mp_process_start_time(process->pid) != process->start) {
        errno = ESRCH;
        return -1;
    }
    if (mp_meter_open(&process->meter, process->pid, process->meter.metric))
        return -1;
    return mp_meter_read(&process->meter);
}

int64_t mp_process_read(struct mp_process *process)
{
    int64_t bytes = mp_meter_read(&process->meter);
    if (bytes < 0 && errno == ESRCH && process->meter.metric != MP_RSS)
        bytes = read_after_exec(process);
    if (bytes <= 0) { /* nobody runs without memory: a zombie, or a kernel thread */
        errno = bytes ? errno : ESRCH;
        return -1;
    }
    process->bytes = bytes;
    if (bytes > process->highest)
        process->highest = bytes;
    return bytes;
}

int64_t mp_process_cpu(const struct mp_process *process)
{
    clockid_t clock;
    struct timespec spent;
    if (clock_getcpuclockid(process->pid, &clock) || clock_gettime(clock, &spent))
        return -1;
    return spent.tv_sec * INT64_C(1000000000) + spent.tv_nsec;
}

/* "Name:\tword\n" opens the file; the kernel escapes newlines and backslashes in it. */
static void learn_name(struct mp_process *process, const char *text)
{
    size_t length = strcspn(text + 6, "\n");
    if (strncmp(text, "Name:\t", 6) || length >= sizeof process->name ||
        (!memcmp(process->name, text + 6, length) && !process->name[length]))
        return;
    memcpy(process->name, text + 6, length);
    process->name[length] = 0;
    process->named = true;
    process->names++;
}

int64_t mp_process_look(struct mp_process *process, int64_t now, int64_t *from)
{
    char text[4096];
    *from = process->looked;
    ssize_t length =
        process->status < 0 ? -1 : pread(process->status, text, sizeof text - 1, 0);
    if (length <= 0)
        return -1;
    text[length] = 0;
    learn_name(process, text);
    const char *at = strstr(text, "\nVmHWM:");
    if (!at)
        return -1;
    int64_t mark = strtoll(at + 7, NULL, 10) * 1024, highest = process->highest;
    bool first = process->mark<0, risen = mark> process->mark;
    /* Equal to the present RSS, it is where a reset would put it. */
    bool reset = process->clear >= 0 && mark > process->bytes &&
                 pwrite(process->clear, "5", 1, 0) == 1;
    process->mark = reset ? 0 : mark;
    process->looked = now;
    process->highest = process->bytes;
    if (first && process->clear < 0)
        return -1; /* a record set before we came */
    return risen && mark > highest ? mark : -1;
}

bool mp_process_is_last_mark(const struct mp_process *process, int64_t largest)
{
    enum { OUR_FORK_BECAME_IT = 1 };
    return largest > process->highest && largest > process->mark &&
           process->names <= OUR_FORK_BECAME_IT;
}
