#include "cmd/timeline/watch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "cmd/shared/command.h"
#include "cmd/timeline/signals.h"

static void tell_about_writing(struct mp_watch *watch)
{
    if (!watch->writer.error || watch->reported)
        return;
    watch->reported = true;
    mp_fail("cannot write %s: %s; the program goes on, the recording ends here",
            watch->shown, strerror(watch->writer.error));
}

/* Reaps the program if it has ended, asking first what only a zombie can tell. */
static bool has_ended(struct mp_watch *watch)
{
    struct rusage usage;
    siginfo_t info = {0};
    if (!watch->ours || watch->reaped)
        return watch->reaped;
    if (waitid(P_PID, (id_t)watch->pid, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid)
        return false;
    watch->had_children = mp_process_had_children(watch->pid);
    if (wait4(watch->pid, &watch->status, WNOHANG, &usage) != watch->pid)
        return false;
    watch->reaped = true;
    watch->end.largest = usage.ru_maxrss * INT64_C(1024);
    return true;
}

/* Passes on what a process sent to us alone; a second Ctrl-C, from whomever, kills. */
static void forward(struct mp_watch *watch, const struct mp_signal *signal)
{
    bool first = !watch->signal;
    watch->signal = signal->number;
    if (!watch->ours || watch->reaped)
        return;
    if (signal->number == SIGINT && signal->interrupts > 1)
        kill(watch->pid, SIGKILL);
    else if (!signal->from_terminal && first)
        kill(watch->pid, signal->number);
}

/* Returns false when the watch is to end. */
static bool heed_signals(struct mp_watch *watch)
{
    struct mp_signal signal = mp_signals_take();
    if (signal.number)
        forward(watch, &signal);
    return watch->ours || !watch->signal;
}

static bool make_round(struct mp_watch *watch)
{
    struct mp_round round;
    if (watch->writer.error)
        return true; /* nothing to record into: just wait for the program */
    if (mp_sampler_round(&watch->sampler, &round))
        return false;
    watch->end.rounds++;
    mp_dat_put_round(&watch->writer, &round, watch->settings->each);
    if (watch->settings->kill && !watch->reaped && round.total.bytes > watch->settings->max)
        kill(watch->pid, SIGKILL);
    return true;
}

/* The next point of the grid behind `now`; the points passed over are added to *late. */
static int64_t next_deadline(int64_t deadline, int64_t now, int64_t interval,
                             uint64_t *late)
{
    deadline += interval;
    if (deadline <= now) {
        int64_t missed = (now - deadline) / interval + 1;
        *late += (uint64_t)missed;
        deadline += missed * interval;
    }
    return deadline;
}

/* Sleeps to the deadline; returns false when the program has ended or the watch must. */
static bool sleep_until(struct mp_watch *watch, int64_t deadline)
{
    enum mp_wakeup wakeup;
    while ((wakeup = mp_signals_wait(deadline, watch->pidfd)) == MP_WAKEUP_SIGNAL)
        if (!heed_signals(watch) || has_ended(watch))
            return false;
    if (wakeup == MP_WAKEUP_ENDED)
        watch->end.ending = MP_ENDED_GONE;
    return wakeup == MP_WAKEUP_DEADLINE;
}

static void rounds(struct mp_watch *watch)
{
    const int64_t interval = watch->settings->interval, timeout = watch->settings->timeout;
    int64_t deadline = watch->started, now;
    while (make_round(watch)) {
        now = mp_clock_ns();
        deadline = next_deadline(deadline, now, interval, &watch->end.late);
        bool last = timeout && deadline > watch->started + timeout;
        if (last)
            deadline = watch->started + timeout;
        mp_dat_writer_tick(&watch->writer, now, deadline);
        mp_live_update(&watch->live, now, &watch->sampler, watch->end.rounds);
        tell_about_writing(watch);
        if (!sleep_until(watch, deadline))
            return;
        if (last) {
            watch->end.ending = MP_ENDED_TIMEOUT;
            return;
        }
    }
    if (errno == EACCES)
        mp_fail("cannot read the memory of process %d any more: it needs the same user or "
                "CAP_SYS_PTRACE",
                (int)watch->pid);
    if (!watch->ours)
        watch->end.ending = MP_ENDED_GONE;
}

/* What the kernel still knows of a program that has ended: its largest RSS, or that of a child
   it waited for. Its own it can only be when there was no child. */
static void put_last_mark(struct mp_watch *watch)
{
    struct mp_sampler *sampler = &watch->sampler;
    int64_t largest = watch->end.largest;
    struct mp_mark mark = {watch->pid, largest, sampler->root.looked + watch->offset,
                           watch->end.time};
    struct mp_round round = {.total = {watch->end.time, -1},
                             .marks = &mark,
                             .bound.bytes = -1,
                             .group = -1,
                             .limit = -1,
                             .cpu = -1};
    if (watch->settings->metric != MP_RSS || largest <= 0)
        return;
    if (!watch->end.rounds) {
        round.total.bytes = largest; /* too short for a single sample */
        watch->end.rounds = 1;
    } else if (!watch->had_children &&
               (largest > sampler->root_peak ||
                mp_process_is_last_mark(&sampler->root, largest)) &&
               sampler->options.marks == MP_MARKS_OWN) {
        round.mark_count = 1;
    } else {
        return;
    }
    mp_dat_put_round(&watch->writer, &round, 0);
    if (largest > sampler->peak)
        sampler->peak = largest;
}

static void close_recording(struct mp_watch *watch)
{
    struct mp_run_end *end = &watch->end;
    end->time = mp_clock_ns() + watch->offset;
    end->unsampled = mp_sampler_unsampled(&watch->sampler);
    if (watch->reaped) {
        bool killed = WIFSIGNALED(watch->status);
        end->ending = killed ? MP_ENDED_SIGNAL : MP_ENDED_EXIT;
        end->code = killed ? WTERMSIG(watch->status) : WEXITSTATUS(watch->status);
        put_last_mark(watch);
    }
    mp_memory_end_read(&watch->memory, end);
    mp_dat_put_end(&watch->writer, end);
    mp_dat_writer_flush(&watch->writer);
    tell_about_writing(watch);
}

void mp_watch_loop(struct mp_watch *watch)
{
    watch->started = mp_clock_ns();
    watch->end.largest = -1;
    watch->end.ending = MP_ENDED_STOP;
    rounds(watch);
    while (watch->ours && watch->end.ending != MP_ENDED_TIMEOUT && !has_ended(watch)) {
        mp_signals_wait(mp_clock_ns() + MP_SECOND, -1);
        heed_signals(watch);
    }
    mp_live_end(&watch->live);
    close_recording(watch);
}
