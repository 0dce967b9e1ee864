#include "cmd/timeline/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/held.h"
#include "cmd/shared/command.h"
#include "cmd/shared/profiles.h"
#include "store/identity/identity.h"

void mp_session_announce(const struct mp_run_settings *settings)
{
    printf("mprof: Sampling memory every %.9gs\n", (double)settings->interval / 1e9);
}

/* A tree takes three descriptors a process; the program gets the old limit back. */
static void raise_descriptor_limit(struct rlimit *before)
{
    struct rlimit more;
    *before = (struct rlimit){0};
    if (getrlimit(RLIMIT_NOFILE, &more) || more.rlim_cur == more.rlim_max)
        return;
    *before = more;
    more.rlim_cur = more.rlim_max < 65536 ? more.rlim_max : 65536;
    if (more.rlim_cur < before->rlim_cur || setrlimit(RLIMIT_NOFILE, &more))
        *before = (struct rlimit){0};
}

void mp_session_init(struct mp_session *session, const struct mp_run_settings *settings,
                     struct mp_capture_file *file)
{
    memset(&session->watch, 0, sizeof session->watch);
    session->file = file;
    session->watch.settings = settings;
    session->watch.shown = file->shown;
    session->watch.pidfd = -1;
    session->watch.offset = mp_clock_wall_offset();
    if (settings->children || settings->each)
        raise_descriptor_limit(&session->inheritance.descriptors);
    else
        session->inheritance.descriptors = (struct rlimit){0};
    mp_signals_install(&session->inheritance.signals);
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
}

static int cannot_watch(pid_t pid, enum mp_metric metric)
{
    if (errno == ESRCH)
        mp_fail("no process %d", (int)pid);
    else if (errno == EACCES || errno == EPERM)
        mp_fail(
            "cannot read the %s of process %d: it needs the same user or CAP_SYS_PTRACE",
            metric == MP_RSS   ? "memory"
            : metric == MP_PSS ? "PSS"
                               : "USS",
            (int)pid);
    else if (errno == ENOENT)
        mp_fail("cannot read /proc/%d: is /proc mounted, and may you see this process?",
                (int)pid);
    else
        mp_fail("cannot watch process %d: %s", (int)pid, strerror(errno));
    return -1;
}

int mp_session_watch(struct mp_session *session, pid_t pid)
{
    struct mp_watch *watch = &session->watch;
    const struct mp_run_settings *settings = watch->settings;
    bool tree = settings->children || settings->each;
    struct mp_sampler_options options = {
        .metric = settings->metric,
        .marks = watch->ours && !settings->keep_marks ? MP_MARKS_OWN : MP_MARKS_WATCH,
        .children = tree,
        .sum = settings->children,
        .fork_events = tree && watch->ours,
        .group = settings->group,
        .cpu = settings->cpu,
        .interval = settings->interval,
        .offset = watch->offset};
    watch->pid = pid;
    if (mp_sampler_init(&watch->sampler, pid, &options))
        return cannot_watch(pid, settings->metric);
    if (settings->group && !watch->sampler.options.group)
        mp_note("no memory control group to record: none is mounted");
    return 0;
}

static void put_header(struct mp_session *session, char *const *shown, size_t count)
{
    static const char *const metrics[] = {"rss", "pss", "uss"};
    static const char *const marks[] = {"none", "watched", "owned"};
    struct mp_watch *watch = &session->watch;
    struct mp_dat_header header = {.pid = watch->pid,
                                   .interval = watch->settings->interval,
                                   .offset = watch->offset,
                                   .metric = metrics[watch->settings->metric],
                                   .marks = marks[watch->sampler.options.marks],
                                   .children = watch->settings->children};
    mp_identity_find(&header.identity);
    mp_dat_put_header(&watch->writer, &header);
    mp_dat_put_command(&watch->writer, shown, count);
}

static void tell_short_children(const struct mp_watch *watch)
{
    if (watch->end.unsampled <= 0)
        return;
    printf("mprof: %lld %s too short for the interval", (long long)watch->end.unsampled,
           watch->end.unsampled == 1 ? "process was" : "processes were");
    if (watch->end.largest > 0)
        printf("; none that was waited for held more than %.3f MiB",
               (double)watch->end.largest / MP_MIB);
    putchar('\n');
}

/* What was recorded, and the next command to type. */
static void tell(const struct mp_watch *watch)
{
    if (watch->writer.error)
        return;
    tell_short_children(watch);
    if (watch->sampler.unreadable)
        mp_note(
            "some children could not be read and are left out: it needs the same user or "
            "CAP_SYS_PTRACE");
    if (watch->end.late)
        printf("mprof: %llu samples could not be taken in time\n",
               (unsigned long long)watch->end.late);
    printf("mprof: %llu samples, peak %.3f MiB; to see them: mprof plot ",
           (unsigned long long)watch->end.rounds, (double)watch->sampler.peak / MP_MIB);
    mp_put_argument(stdout, watch->shown);
    putchar('\n');
    fflush(stdout);
}

int mp_session_begin(struct mp_session *session, char *const *shown, size_t count)
{
    struct mp_watch *watch = &session->watch;
    mp_held_take(session->file->fd);
    mp_dat_writer_init(&watch->writer, session->file->fd, watch->settings->interval);
    put_header(session, shown, count);
    if (!mp_dat_writer_flush(&watch->writer))
        return 0;
    return mp_fail("cannot write %s: %s", watch->shown, strerror(errno)), -1;
}

void mp_session_record(struct mp_session *session)
{
    session->file->used = true;
    mp_live_init(&session->watch.live, mp_clock_ns());
    mp_watch_loop(&session->watch);
    tell(&session->watch);
}

void mp_session_release(struct mp_session *session)
{
    mp_sampler_release(&session->watch.sampler);
    if (session->watch.pidfd >= 0)
        close(session->watch.pidfd);
}
