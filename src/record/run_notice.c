#include "record/run_notice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *after_keeper(struct mp_run_notice *notice, const char *text)
{
    int length = 0;
    if (sscanf(text, "%d,%d:%n", &notice->keeper, &notice->lost, &length) == 2 && length)
        return text + length;
    notice->keeper = 0;
    return text;
}

static int parse_notice(struct mp_run_notice *notice, const char *text)
{
    char *end;
    if (strncmp(text, "1:", 2))
        return -1;
    notice->pid = (pid_t)strtol(text + 2, &end, 10);
    if (*end++ != ':' || notice->pid <= 0)
        return -1;
    for (; *end && *end != ':'; end++) {
        notice->owns_marks |= *end == 'p';
        notice->children_too |= *end == 'c';
    }
    if (*end++ != ':')
        return -1;
    notice->offset = strtoll(end, &end, 10);
    if (*end++ != ':')
        return -1;
    notice->path = after_keeper(notice, end);
    return *notice->path == '/' ? 0 : -1;
}

bool mp_run_notice_is_ours(const struct mp_run_notice *notice)
{
    return notice->children_too || notice->pid == getpid();
}

int mp_run_notice_read(struct mp_run_notice *notice)
{
    *notice = (struct mp_run_notice){0};
    const char *text = secure_getenv("MPROF_RUN");
    if (text && !parse_notice(notice, text) && mp_run_notice_is_ours(notice))
        return 0;
    errno = ENOENT;
    return -1;
}

int mp_run_notice_write(const struct mp_run_notice *notice, char *out, size_t room)
{
    char keeper[32] = "";
    if (notice->keeper)
        snprintf(keeper, sizeof keeper, "%d,%d:", (int)notice->keeper, notice->lost);
    int length = snprintf(out, room, "MPROF_RUN=1:%d:%s%s:%lld:%s%s", (int)notice->pid,
                          notice->owns_marks ? "p" : "", notice->children_too ? "c" : "",
                          (long long)notice->offset, keeper, notice->path);
    return length < 0 || (size_t)length >= room ? -1 : length;
}
