#include "store/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/output.h"
#include "base/number.h"

enum { LONGEST_NAME = 2048, LONGEST_RECORD = LONGEST_NAME + 256 };

int mp_calls_open(struct mp_calls *calls)
{
    *calls = (struct mp_calls){.fd = -1};
    if (mp_run_notice_read(&calls->notice))
        return -1;
    int fd =
        open(calls->notice.path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || (fd = mp_output_lift(fd)) < 0)
        return -1;
    struct stat status;
    if (fstat(fd, &status) || !S_ISREG(status.st_mode)) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    calls->fd = fd;
    calls->device = status.st_dev;
    calls->inode = status.st_ino;
    return 0;
}

/* The program may have closed our descriptor, or put another file under its number. */
static bool is_still_ours(const struct mp_calls *calls)
{
    struct stat status;
    return calls->fd >= 0 && !fstat(calls->fd, &status) && status.st_dev == calls->device &&
           status.st_ino == calls->inode;
}

static void put(struct mp_calls *calls, const char *record, const char *end)
{
    int kept = errno;
    if (!is_still_ours(calls))
        calls->fd = -1;
    size_t length = (size_t)(end - record);
    if (calls->fd < 0 || write(calls->fd, record, length) != (ssize_t)length)
        __atomic_fetch_add(&calls->dropped, 1, __ATOMIC_RELAXED);
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
    put(calls, record, out);
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
    put(calls, record, out);
}

void mp_calls_release(struct mp_calls *calls)
{
    if (is_still_ours(calls))
        close(calls->fd);
    calls->fd = -1;
}
