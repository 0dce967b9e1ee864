#include "capture/timeline/sampling_take.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

/* Another process's mark is not ours to reset: one that moved since the first sample was reached
   since then, one that did not tells nothing. */
static int64_t foreign_peak(struct mp_sampling *s, int64_t bytes)
{
    int64_t mark = mp_meter_high_water(s->options.pid);
    if (s->mark < 0)
        s->mark = mark;
    return mark != s->mark && mark > bytes ? mark : bytes;
}

static int64_t own_peak(struct mp_sampling *s, int64_t bytes)
{
    if (s->peak_open && s->started && !s->options.peak_times)
        return bytes; /* the last sample asks */
    if (s->peak_open)
        return mp_peak_read(&s->peak, bytes);
    mp_peak_begin(&s->peak, bytes);
    s->peak_open = true;
    return bytes;
}

/* The most the process itself can have had by this tick. */
static int64_t highest(struct mp_sampling *s, int64_t bytes)
{
    if (!s->options.peak || s->options.metric != MP_RSS)
        return bytes;
    return s->options.pid ? foreign_peak(s, bytes) : own_peak(s, bytes);
}

/* Reads every descendant once, into rows of `at` or a sum. A child that is gone counts 0. */
static int64_t read_children(struct mp_sampling *s, int64_t at, bool keep)
{
    int64_t sum = 0;
    if (mp_tree_list(&s->tree, s->options.pid ? s->options.pid : getpid()))
        return 0;
    for (size_t i = 0; i < s->tree.count; i++) {
        struct mp_meter meter;
        if (mp_meter_open(&meter, s->tree.pids[i], s->options.metric))
            continue;
        int64_t bytes = mp_meter_read(&meter);
        mp_meter_release(&meter);
        if (bytes < 0)
            continue;
        sum += bytes;
        if (keep)
            mp_samples_add(&s->samples, (struct mp_sample){at, bytes, s->tree.pids[i]});
    }
    return sum;
}

/* /proc/PID/stat after the name, which may hold anything: "S ppid pgrp session tty tpgid flags".
   A kernel thread has no memory either, but lives. */
static bool has_ended(pid_t pid)
{
    enum { EXITING = 4 };
    char path[64], text[512], state = 0;
    unsigned flags = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = 0;
    const char *after = strrchr(text, ')');
    if (!after || sscanf(after + 1, " %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2)
        return true;
    return state == 'Z' || state == 'X' || flags & EXITING;
}

/* The process's memory; -1 with ESRCH also when it has exited and nobody reaped it yet. */
static int64_t read_process(struct mp_sampling *s)
{
    int64_t bytes = mp_meter_read(&s->meter);
    if (bytes == 0 && s->options.pid && has_ended(s->options.pid)) {
        errno = ESRCH;
        return -1;
    }
    return bytes;
}

int mp_sampling_take(struct mp_sampling *s)
{
    int64_t own = read_process(s);
    if (own < 0)
        return -1;
    struct mp_sample sample = {mp_clock_ns() + s->offset, own, 0};
    struct mp_sample most = {sample.at, highest(s, own), 0};
    if (s->options.sum_children)
        sample.bytes += read_children(s, sample.at, false);
    mp_samples_add(&s->samples, sample);
    if (s->options.each_child)
        read_children(s, sample.at, true);
    if (sample.bytes > most.bytes)
        most.bytes = sample.bytes;
    if (most.bytes > s->most.bytes)
        s->most = most;
    return 0;
}
