#include "capture/process/meter.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HIGH_DESCRIPTOR = 200 }; /* out of the way of programs that count on low numbers */

static unsigned generation;

/* Descriptors on files of this very process, with the identity of what they were opened on: a
   forked child has no use for them, and would keep one for each of its ancestors. */
enum { MOST_KEPT = 64 };
static struct {
    _Atomic int next_fd; /* the descriptor plus one; 0: the slot is free */
    dev_t device;
    ino_t inode;
} own[MOST_KEPT];

static int is_file(int fd, dev_t device, ino_t inode)
{
    struct stat file;
    return !fstat(fd, &file) && file.st_dev == device && file.st_ino == inode;
}

static void in_child(void)
{
    generation++;
    for (int i = 0; i < MOST_KEPT; i++) {
        int fd = own[i].next_fd - 1;
        own[i].next_fd = 0;
        if (fd >= 0 && is_file(fd, own[i].device, own[i].inode))
            close(fd);
    }
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, in_child);
}

unsigned mp_meter_generation(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    return generation;
}

static int open_proc(pid_t pid, const char *name, int flags)
{
    char path[64];
    if (pid)
        snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    else
        snprintf(path, sizeof path, "/proc/self/%s", name);
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && pid && !access("/proc/self", F_OK))
        errno = ESRCH;
    return fd;
}

static const char *file_of(enum mp_metric metric)
{
    return metric == MP_RSS ? "statm" : "smaps_rollup";
}

static int open_high(pid_t pid, const char *name)
{
    int fd = open_proc(pid, name, O_RDONLY);
    if (fd < 0)
        return -1;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR);
    if (high < 0)
        return fd;
    close(fd);
    return high;
}

/* The slot of a descriptor, or the one it takes: the same number again, or a free one. */
static void note_own(int fd, const struct stat *file)
{
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < MOST_KEPT; i++) {
            int wanted = pass ? 0 : fd + 1;
            if (!atomic_compare_exchange_strong(&own[i].next_fd, &wanted, fd + 1))
                continue;
            own[i].device = file->st_dev;
            own[i].inode = file->st_ino;
            return;
        }
}

static void forget_own(int fd)
{
    for (int i = 0; i < MOST_KEPT; i++) {
        int wanted = fd + 1;
        atomic_compare_exchange_strong(&own[i].next_fd, &wanted, 0);
    }
}

/* Keeps a descriptor with the identity of its file: programs close and replace what they find. */
static void keep(struct mp_meter *meter, int fd)
{
    struct stat file = {0};
    int kept = errno;
    fstat(fd, &file);
    errno = kept;
    meter->fd = fd;
    meter->device = file.st_dev;
    meter->inode = file.st_ino;
    meter->generation = mp_meter_generation();
    if (!meter->pid)
        note_own(fd, &file);
}

static int is_ours(const struct mp_meter *meter)
{
    return is_file(meter->fd, meter->device, meter->inode);
}

int mp_meter_open(struct mp_meter *meter, pid_t pid, enum mp_metric metric)
{
    *meter = (struct mp_meter){.pid = pid, .metric = metric, .fd = -1};
    meter->generation = mp_meter_generation();
    int fd = open_high(pid, file_of(metric));
    if (fd >= 0)
        keep(meter, fd);
    else if (errno != EMFILE && errno != ENFILE) /* else each reading opens and closes */
        return -1;
    return 0;
}

void mp_meter_adopt(struct mp_meter *meter, int fd, pid_t pid, enum mp_metric metric)
{
    *meter = (struct mp_meter){.pid = pid, .metric = metric};
    keep(meter, fd);
}

void mp_meter_release(struct mp_meter *meter)
{
    if (meter->fd >= 0 && meter->generation == mp_meter_generation() && is_ours(meter)) {
        forget_own(meter->fd);
        close(meter->fd);
    }
    meter->fd = -1;
}

/* statm is exactly seven numbers; anything else is not our file any more. Resident pages
   are the second, those of them that are shared the third. */
static int64_t parse_statm(const char *text, ssize_t length, int64_t *shared)
{
    static _Atomic long page;
    if (!page)
        page = sysconf(_SC_PAGESIZE);
    int64_t value = 0, resident = -1;
    int field = 0;
    for (ssize_t i = 0; i < length; i++) {
        char c = text[i];
        if (c >= '0' && c <= '9') {
            value = value * 10 + (c - '0');
            continue;
        }
        if (c != ' ' && c != '\n')
            return -1;
        if (++field == 2)
            resident = value * page;
        else if (field == 3)
            *shared = value * page;
        value = 0;
        if (c == '\n')
            return field == 7 && i == length - 1 ? resident : -1;
    }
    return -1;
}

/* Sums the "Name:  123 kB" lines of smaps_rollup that make up the metric. */
static int64_t parse_rollup(const char *text, enum mp_metric metric)
{
    static const char *const pss[] = {"\nPss:", NULL};
    static const char *const uss[] = {
        "\nPrivate_Clean:", "\nPrivate_Dirty:", "\nPrivate_Hugetlb:", NULL};
    int64_t sum = 0;
    for (const char *const *name = metric == MP_PSS ? pss : uss; *name; name++) {
        const char *at = strstr(text, *name);
        if (!at && strstr(*name, "Hugetlb"))
            continue;
        if (!at)
            return -1;
        sum += strtoll(at + strlen(*name), NULL, 10) * 1024;
    }
    return sum;
}

/* One reading from an open descriptor. -1 with errno; EBADMSG when it is not our file, ENODATA
   when it is empty (not our file either, or smaps_rollup of a zombie). */
static int64_t read_from(struct mp_meter *meter, int fd)
{
    char text[2048];
    enum mp_metric metric = meter->metric;
    ssize_t length = pread(fd, text, metric == MP_RSS ? 127 : sizeof text - 1, 0);
    if (length < 0)
        return -1;
    text[length] = 0;
    int64_t bytes = metric == MP_RSS ? parse_statm(text, length, &meter->shared)
                                     : parse_rollup(text, metric);
    if (bytes < 0)
        errno = length ? EBADMSG : ENODATA;
    return bytes;
}

static int64_t reopen_and_read(struct mp_meter *meter)
{
    int fd = open_high(meter->pid, file_of(meter->metric));
    if (fd < 0)
        return -1;
    int64_t bytes = read_from(meter, fd);
    if (bytes < 0 && errno == ENODATA)
        errno = ESRCH;
    if (fd >= HIGH_DESCRIPTOR) {
        keep(meter, fd);
        return bytes;
    }
    int kept = errno;
    close(fd);
    errno = kept;
    return bytes;
}

int64_t mp_meter_read(struct mp_meter *meter)
{
    meter->reads++;
    if (meter->fd >= 0 && meter->generation == generation) {
        int64_t bytes = read_from(meter, meter->fd);
        if (bytes >= 0 || (errno != EBADMSG && errno != EBADF && errno != ESPIPE &&
                           errno != ENODATA && errno != EISDIR && errno != EINVAL))
            return bytes;
    } else if (meter->fd >= 0 && meter->pid == 0 && is_ours(meter)) {
        close(meter->fd); /* a forked child's copy that had no slot; it reads the parent */
    }
    /* Somebody closed or replaced the descriptor: it is not ours to close. */
    meter->fd = -1;
    return reopen_and_read(meter);
}

int64_t mp_meter_high_water(pid_t pid)
{
    char text[4096];
    int fd = open_proc(pid, "status", O_RDONLY);
    if (fd < 0)
        return -1;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = 0;
    const char *at = strstr(text, "\nVmHWM:");
    if (!at) {
        errno = ESRCH;
        return -1;
    }
    return strtoll(at + 7, NULL, 10) * 1024;
}

int mp_meter_reset_high_water(pid_t pid)
{
    int fd = open_proc(pid, "clear_refs", O_WRONLY);
    if (fd < 0)
        return -1;
    ssize_t written = write(fd, "5", 1);
    int kept = errno;
    close(fd);
    errno = kept;
    return written == 1 ? 0 : -1;
}

int64_t mp_meter_granularity(void)
{
    enum { PAGES = 512 };
    struct mp_meter meter;
    long page = sysconf(_SC_PAGESIZE);
    if (mp_meter_open(&meter, 0, MP_RSS))
        return -1;
    char *room = mmap(NULL, PAGES * (size_t)page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) {
        mp_meter_release(&meter);
        return -1;
    }
    madvise(room, PAGES * (size_t)page, MADV_NOHUGEPAGE);
    int64_t start = mp_meter_read(&meter), worst = page;
    for (int i = 0; i < PAGES; i++) {
        room[i * page] = 1;
        int64_t missing = start + (i + 1) * page - mp_meter_read(&meter);
        if (missing + page > worst)
            worst = missing + page;
    }
    munmap(room, PAGES * (size_t)page);
    mp_meter_release(&meter);
    return worst;
}
