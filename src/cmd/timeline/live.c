#include "cmd/timeline/live.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { LINES_PER_SECOND = 2 };

void mp_live_init(struct mp_live *live, int64_t now)
{
    *live = (struct mp_live){.on = isatty(STDERR_FILENO),
                             .started = now,
                             .next = now + MP_SECOND / LINES_PER_SECOND};
}

static bool in_foreground(void)
{
    return tcgetpgrp(STDERR_FILENO) == getpgrp();
}

/* Whether a process may print on this terminal, of which /dev/tty may be another name. */
static bool prints_there(pid_t pid, int fd, dev_t terminal)
{
    char path[64];
    struct stat status;
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)pid, fd);
    if (stat(path, &status))
        return errno != ENOENT; /* it may be so; closed it is not */
    return S_ISCHR(status.st_mode) &&
           (status.st_rdev == terminal || status.st_rdev == makedev(5, 0));
}

/* Our line and the program's would become one: "step 0" and "12.8 MiB", "step 012.8 MiB". */
static bool is_ours_alone(const struct mp_sampler *sampler)
{
    struct stat terminal;
    if (fstat(STDERR_FILENO, &terminal))
        return false;
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        if (prints_there(sampler->root.pid, fd, terminal.st_rdev))
            return false;
        for (size_t i = 0; i < sampler->count; i++)
            if (prints_there(sampler->children[i].pid, fd, terminal.st_rdev))
                return false;
    }
    return true;
}

void mp_live_update(struct mp_live *live, int64_t now, const struct mp_sampler *sampler,
                    uint64_t rounds)
{
    if (!live->on || now < live->next)
        return;
    double span = (double)(now - live->next) / 1e9 + 1.0 / LINES_PER_SECOND;
    uint64_t made = rounds - live->rounds;
    live->next = now + MP_SECOND / LINES_PER_SECOND;
    live->rounds = rounds;
    if (!in_foreground())
        return;
    if (!is_ours_alone(sampler)) {
        mp_live_end(live);
        return;
    }
    char text[160];
    int64_t total = sampler->root.bytes;
    for (size_t i = 0; i < sampler->count; i++)
        total += sampler->children[i].bytes;
    int width =
        snprintf(text, sizeof text, "%.0f s   %.1f MiB   peak %.1f MiB   %.0f samples/s",
                 (double)(now - live->started) / 1e9, (double)total / MP_MIB,
                 (double)sampler->peak / MP_MIB, (double)made / span);
    fprintf(stderr, "%s%*s\r", text, live->width > width ? live->width - width : 0, "");
    live->width = width;
}

void mp_live_end(struct mp_live *live)
{
    if (live->on && live->width && in_foreground())
        fprintf(stderr, "%*s\r", live->width, "");
    live->width = 0;
}
