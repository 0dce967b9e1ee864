#include "base/guard.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct mp_guarded *list;
/* As the kernel has it: libc adds to what it is given, and the program may look. */
struct action {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
};

static struct action wanted; /* the program's, while ours is the process's */
static int taken;
static pid_t owner; /* whose all this is: a forked child has a copy */

/* Not a mutex: a handler of the program's may call sigaction(2), which waits for nobody. None runs
   while this is held. */
static void lock(sigset_t *mask)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, mask);
    while (__atomic_exchange_n(&taken, 1, __ATOMIC_ACQUIRE))
        sched_yield();
}

static void unlock(const sigset_t *mask)
{
    __atomic_store_n(&taken, 0, __ATOMIC_RELEASE);
    pthread_sigmask(SIG_SETMASK, mask, NULL);
}

/* In a forked child nobody else is there who could have the lock. */
static void begin_in_child(void)
{
    taken = 0;
    owner = getpid();
}

static void own(void)
{
    static bool is_watching;
    if (owner != getpid())
        begin_in_child();
    if (!is_watching)
        is_watching = !pthread_atfork(NULL, NULL, begin_in_child);
}

static int exchange(const struct action *action, struct action *before)
{
    return (int)syscall(SYS_rt_sigaction, SIGBUS, action, before, sizeof action->mask);
}

static bool cover(const siginfo_t *info)
{
    uintptr_t page = (uintptr_t)getpagesize(), at = (uintptr_t)info->si_addr & ~(page - 1);
    struct mp_guarded *one = list;
    while (one && (at < (uintptr_t)one->start || at >= (uintptr_t)one->end))
        one = one->next;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    if (!one || mmap((void *)at, page, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED)
        return false;
    if (one->cut)
        one->cut(one);
    return true;
}

/* Once this handler returns the signal comes again, and does what it does to any program. */
static void pass_to_system(siginfo_t *info)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigaction(SIGBUS, &usual, NULL);
    syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGBUS, info);
}

static void pass_on(const struct action *theirs, int signal, siginfo_t *info, void *context)
{
    bool is_ignored = theirs->handler == (void *)SIG_IGN;
    if (is_ignored && info->si_code <= 0)
        return;
    if (is_ignored || theirs->handler == (void *)SIG_DFL)
        pass_to_system(info);
    else if (theirs->flags & SA_SIGINFO)
        ((void (*)(int, siginfo_t *, void *))theirs->handler)(signal, info, context);
    else
        ((void (*)(int))theirs->handler)(signal);
}

static void caught(int signal, siginfo_t *info, void *context)
{
    int kept = errno;
    bool locks = owner == getpid(); /* else a fork may have left it taken */
    sigset_t mask;
    if (locks)
        lock(&mask);
    bool done = info->si_code == BUS_ADRERR && cover(info);
    struct action theirs = wanted;
    if (!done && theirs.flags & (unsigned)SA_RESETHAND)
        wanted.handler = (void *)SIG_DFL;
    if (locks)
        unlock(&mask);
    errno = kept;
    if (!done)
        pass_on(&theirs, signal, info, context);
}

static bool is_installed(struct sigaction *now)
{
    return !sigaction(SIGBUS, NULL, now) && now->sa_flags & SA_SIGINFO &&
           now->sa_sigaction == caught;
}

static void install(void)
{
    struct sigaction now;
    if (is_installed(&now) || exchange(NULL, &wanted))
        return;
    if (now.sa_handler == SIG_IGN)
        return;
    if (now.sa_handler == SIG_DFL)
        now = (struct sigaction){.sa_flags = SA_ONSTACK | SA_RESTART};
    now.sa_flags = (now.sa_flags & ~SA_RESETHAND) | SA_SIGINFO;
    now.sa_sigaction = caught;
    sigaction(SIGBUS, &now, NULL);
}

static void uninstall(void)
{
    struct sigaction now;
    if (is_installed(&now))
        exchange(&wanted, NULL);
}

void mp_guard_add(struct mp_guarded *one)
{
    sigset_t mask;
    int kept = errno;
    own();
    lock(&mask);
    one->next = list;
    list = one;
    install();
    unlock(&mask);
    errno = kept;
}

void mp_guard_remove(struct mp_guarded *one)
{
    sigset_t mask;
    int kept = errno;
    own();
    lock(&mask);
    struct mp_guarded **at = &list;
    while (*at && *at != one)
        at = &(*at)->next;
    if (*at)
        *at = one->next;
    if (!list)
        uninstall();
    unlock(&mask);
    errno = kept;
}

bool mp_guard_pause(sigset_t *mask)
{
    int kept = errno;
    if (owner != getpid() || !__atomic_load_n(&list, __ATOMIC_RELAXED))
        return false; /* in a child of vfork(2) as well, whose actions are its own */
    lock(mask);
    uninstall();
    errno = kept;
    return true;
}

void mp_guard_resume(const sigset_t *mask)
{
    int kept = errno;
    if (list)
        install();
    unlock(mask);
    errno = kept;
}
