#include "store/dat/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/number.h"
#include "base/output.h"

enum { LONGEST_NAME = 2048, LONGEST_RECORD = LONGEST_NAME + 256 };

/* Whether the file behind a descriptor is the run's; the first one that was opened is. */
static bool is_the_run(struct mp_calls *calls, int fd)
{
    struct stat status;
    if (fstat(fd, &status))
        return false;
    errno = S_ISREG(status.st_mode) ? ESTALE : EINVAL;
    if (!calls->inode && S_ISREG(status.st_mode)) {
        calls->device = status.st_dev;
        calls->inode = status.st_ino;
    }
    return calls->inode && status.st_dev == calls->device && status.st_ino == calls->inode;
}

static int open_file(struct mp_calls *calls)
{
    int fd = open(calls->path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || (fd = mp_output_lift(fd)) < 0)
        return -1;
    if (is_the_run(calls, fd)) {
        calls->fd = fd;
        return 0;
    }
    int kept = errno;
    close(fd);
    errno = kept;
    return -1;
}

static const char lost_magic[8] = "mplost1";

struct mp_calls_lost *mp_calls_lost_make(int *fd)
{
    struct mp_calls_lost *lost = MAP_FAILED;
    *fd = memfd_create("mprof", MFD_CLOEXEC);
    if (*fd >= 0 && !ftruncate(*fd, sizeof *lost))
        lost = mmap(NULL, sizeof *lost, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (lost == MAP_FAILED && *fd >= 0)
        close(*fd);
    if (lost == MAP_FAILED)
        return NULL;
    memcpy(lost->magic, lost_magic, sizeof lost_magic);
    return lost;
}

/* Its number may be another file's by now, when mprof was killed. */
static struct mp_calls_lost *map_lost(const struct mp_run_notice *notice)
{
    char path[64], magic[sizeof lost_magic];
    struct mp_calls_lost *lost = MAP_FAILED;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)notice->keeper, notice->lost);
    int fd = notice->keeper ? open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
    if (fd >= 0 && pread(fd, magic, sizeof magic, 0) == (ssize_t)sizeof magic &&
        !memcmp(magic, lost_magic, sizeof magic))
        lost = mmap(NULL, sizeof *lost, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    return lost == MAP_FAILED ? NULL : lost;
}

bool mp_calls_lose(struct mp_calls *calls, unsigned records, int error)
{
    if (!calls->lost)
        return false;
    __atomic_store_n(&calls->lost->error, error, __ATOMIC_RELAXED);
    __atomic_fetch_add(&calls->lost->records, records, __ATOMIC_RELAXED);
    return true;
}

int mp_calls_open(struct mp_calls *calls)
{
    *calls = (struct mp_calls){.fd = -1};
    if (mp_run_notice_read(&calls->notice))
        return -1;
    calls->path = strdup(calls->notice.path); /* programs write over their environment */
    if (!calls->path)
        return -1;
    if (open_file(calls) && errno == EINVAL) {
        mp_calls_release(calls);
        errno = EINVAL;
        return -1;
    }
    calls->lost = map_lost(&calls->notice);
    return 0;
}

/* The program may have closed our descriptor, or put another file under its number. */
static bool is_still_ours(struct mp_calls *calls)
{
    return calls->fd >= 0 && calls->inode && is_the_run(calls, calls->fd);
}

static int find_again(struct mp_calls *calls)
{
    if (is_still_ours(calls))
        return 0;
    calls->fd = -1;
    return open_file(calls);
}

static void put(struct mp_calls *calls, struct mp_call *call, const char *record,
                const char *end)
{
    int kept = errno;
    if (find_again(calls) || mp_output_append(calls->fd, record, (size_t)(end - record))) {
        call->error = errno;
        call->lost += !mp_calls_lose(calls, 1, call->error);
    }
    errno = kept;
}

static char *put_word(char *out, const char *word)
{
    size_t length = strlen(word);
    memcpy(out, word, length);
    return out + length;
}

static char *put_point(char *out, int64_t bytes, int64_t time)
{
    out = mp_number_put_mib(out, bytes, 4);
    *out++ = ' ';
    out = mp_number_put_seconds(out, time, 4);
    *out++ = ' ';
    return out;
}

static char *put_number(char *out, int64_t number, char after)
{
    out = mp_number_put_integer(out, number);
    *out++ = after;
    return out;
}

static char *put_name(char *out, const struct mp_call *call)
{
    if (!call->length)
        *out++ = '-';
    return out + mp_escape_record(out, LONGEST_NAME, call->name, call->length, false);
}

void mp_calls_enter(struct mp_calls *calls, struct mp_call *call, const char *name,
                    size_t length, int level, int64_t bytes)
{
    *call =
        (struct mp_call){.level = level, .name = name, .length = length, .bytes = bytes};
    call->time = mp_clock_ns() + calls->notice.offset;
    call->id = __atomic_add_fetch(&calls->calls, 1, __ATOMIC_RELAXED);
    if (!mp_run_notice_is_ours(&calls->notice))
        return;
    char record[LONGEST_RECORD], *out = put_word(record, "CALL ");
    out = put_number(out, getpid(), ' ');
    out = put_number(out, syscall(SYS_gettid), ' ');
    out = put_number(out, call->id, ' ');
    out = put_point(out, bytes, call->time);
    out = put_name(put_number(out, level, ' '), call);
    *out++ = '\n';
    put(calls, call, record, out);
}

void mp_calls_leave(struct mp_calls *calls, struct mp_call *call, int64_t bytes)
{
    if (!mp_run_notice_is_ours(&calls->notice))
        return;
    char record[LONGEST_RECORD], *out = put_name(put_word(record, "FUNC "), call);
    *out++ = ' ';
    out = put_point(out, call->bytes, call->time);
    out = put_point(out, bytes, mp_clock_ns() + calls->notice.offset);
    out = put_word(put_number(out, call->level, '\n'), "DONE ");
    out = put_number(put_number(out, getpid(), ' '), call->id, '\n');
    put(calls, call, record, out);
}

void mp_calls_release(struct mp_calls *calls)
{
    if (is_still_ours(calls))
        close(calls->fd);
    if (calls->lost)
        munmap(calls->lost, sizeof *calls->lost);
    calls->lost = NULL;
    free(calls->path);
    calls->path = NULL;
    calls->fd = -1;
}
