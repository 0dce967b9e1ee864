#include "capture/timeline/sampling_thread.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    STACK = 128 << 10
}; /* room for the thread-local storage of the program's libraries */

/* The samplings that were started, all threads' together. `holds` > 0: none has its thread. */
static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static struct mp_sampling *started;
static unsigned holds;

void mp_sampling_thread_init(struct mp_sampling *s)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&s->lock, NULL);
}

void mp_sampling_thread_release(struct mp_sampling *s)
{
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
}

/* The first deadline after now; those that passed without a sample are late. */
static void next_deadline(struct mp_sampling *s)
{
    int64_t interval = s->options.interval << s->samples.halvings, now = mp_clock_ns();
    s->deadline += interval;
    if (s->deadline <= now) {
        int64_t missed = (now - s->deadline) / interval + 1;
        s->late += (uint64_t)missed;
        s->deadline += missed * interval;
    }
}

static bool wait_for_deadline(struct mp_sampling *s)
{
    struct timespec at = {s->deadline / 1000000000, s->deadline % 1000000000};
    int result = 0;
    while (!s->stopping && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&s->wake, &s->lock, &at);
    return !s->stopping;
}

/* Holds s->lock except while it waits: who wants to stop it waits for one reading at most. */
static void *run(void *self)
{
    struct mp_sampling *s = self;
    pthread_mutex_lock(&s->lock);
    s->tid = (pid_t)syscall(SYS_gettid);
    while (wait_for_deadline(s)) {
        if (mp_sampling_take(s)) {
            s->error = errno;
            break;
        }
        next_deadline(s);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static int create(struct mp_sampling *s)
{
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    int error = pthread_create(&s->thread, &small, run, s);
    pthread_attr_destroy(&small);
    if (error == EINVAL) /* a program with very much thread-local storage */
        error = pthread_create(&s->thread, NULL, run, s);
    return error;
}

/* Starts the thread with all signals blocked: the program's handlers run in its own threads. */
static int launch(struct mp_sampling *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    s->stopping = false;
    int error = create(s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    s->running = !error;
    errno = error;
    return error ? -1 : 0;
}

static void halt(struct mp_sampling *s)
{
    if (!s->running)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    s->running = false;
}

/* A joined thread can still be counted by the kernel for some microseconds. */
static void wait_until_gone(const struct mp_sampling *s)
{
    struct timespec moment = {0, 20000};
    for (int i = 0; i < 1000 && s->tid; i++) {
        if (syscall(SYS_tgkill, getpid(), s->tid, 0))
            return;
        nanosleep(&moment, NULL);
    }
}

static void halt_all(void)
{
    for (struct mp_sampling *s = started; s; s = s->next)
        halt(s);
}

static void launch_all(void)
{
    for (struct mp_sampling *s = started; s; s = s->next)
        if (!s->error && launch(s))
            s->error = errno;
}

static void before_fork(void)
{
    pthread_mutex_lock(&registry);
    if (!holds)
        halt_all();
}

static void in_parent(void)
{
    int kept = errno;
    if (!holds)
        launch_all();
    pthread_mutex_unlock(&registry);
    errno = kept;
}

/* The child goes on with whatever it was doing, unsampled: stop() still ends each sampling. */
static void in_child(void)
{
    holds = 0;
    started = NULL;
    pthread_mutex_unlock(&registry);
}

/* Handlers before a fork run last registered first: the threads must be gone before the peak's
   owner takes the lock that they use. */
static void watch_forks(void)
{
    mp_peak_is_ours();
    pthread_atfork(before_fork, in_parent, in_child);
}

void mp_sampling_hold(void)
{
    pthread_mutex_lock(&registry);
    if (holds++ == 0) {
        halt_all();
        for (struct mp_sampling *s = started; s; s = s->next)
            wait_until_gone(s);
    }
    pthread_mutex_unlock(&registry);
}

void mp_sampling_resume(void)
{
    pthread_mutex_lock(&registry);
    if (holds && --holds == 0)
        launch_all();
    pthread_mutex_unlock(&registry);
}

int mp_sampling_thread_start(struct mp_sampling *s)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&registry);
    s->started = true; /* before the thread looks */
    int failed = holds ? 0 : launch(s), kept = errno;
    if (failed) {
        s->started = false;
    } else {
        s->next = started;
        started = s;
    }
    pthread_mutex_unlock(&registry);
    errno = kept;
    return failed;
}

void mp_sampling_thread_stop(struct mp_sampling *s)
{
    pthread_mutex_lock(&registry);
    for (struct mp_sampling **link = &started; *link; link = &(*link)->next)
        if (*link == s) {
            *link = s->next;
            break;
        }
    halt(s);
    s->started = false;
    pthread_mutex_unlock(&registry);
}
