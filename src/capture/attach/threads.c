#include "capture/attach/threads.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"

enum {
    LEAST_STACK = 192 << 10,
    GROWS = 4 << 20 /* bytes that a main thread's stack surely has */
};

/* A read may be in a FIFO, a terminal or a socket: all go on when they are done again. */
static bool is_waiting_call(long number)
{
    static const long calls[] = {
#ifdef SYS_poll
        SYS_poll,
        SYS_select,
        SYS_epoll_wait,
        SYS_pause,
        SYS_accept,
#endif
        SYS_ppoll,
        SYS_pselect6,
        SYS_epoll_pwait,
        SYS_nanosleep,
        SYS_clock_nanosleep,
        SYS_wait4,
        SYS_waitid,
        SYS_accept4,
        SYS_connect,
        SYS_recvfrom,
        SYS_recvmsg,
        SYS_sendto,
        SYS_sendmsg,
        SYS_read,
        SYS_readv,
        SYS_write,
        SYS_writev,
        SYS_flock,
        SYS_rt_sigtimedwait,
        SYS_rt_sigsuspend,
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i] == number)
            return true;
    return false;
}

/* A semaphore, which is what Python's own locks are, is waited for while it is 0. Mutexes have other
   values, and the interpreter's lock lies in its state: asked for within, it would wait for ever. */
static bool is_semaphore(const struct mp_target *target, const uint64_t *arguments)
{
    return (arguments[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET &&
           !(uint32_t)arguments[2] && !mp_python_has(&target->python, arguments[0]);
}

static bool has_room(const struct mp_target *target, uint64_t stack)
{
    const struct mp_mapping *mapping = mp_mappings_at(&target->mappings, stack);
    if (!mapping)
        return false;
    uint64_t room = stack - mapping->start;
    return room >= LEAST_STACK || (!strcmp(mapping->path, "[stack]") &&
                                   mapping->end - stack <= GROWS - LEAST_STACK);
}

bool mp_thread_waits(const struct mp_target *target, pid_t native_id,
                     const struct mp_blocked *blocked, uint64_t stack)
{
    if (blocked->number == SYS_futex) {
        if (!is_semaphore(target, blocked->arguments))
            return false;
    } else if (!is_waiting_call(blocked->number))
        return false;
    struct mp_python_thread thread = mp_python_thread(&target->python, native_id);
    return thread.state && !thread.holds_lock && !thread.is_elsewhere &&
           has_room(target, stack);
}

/* What waits until a moment, or tells how much is left, is done again as if nothing had been. */
static bool counts_time(const struct mp_blocked *blocked)
{
    const uint64_t *arguments = blocked->arguments;
#ifdef SYS_poll
    if (blocked->number == SYS_poll)
        return (int)arguments[2] > 0;
#endif
    if (blocked->number == SYS_clock_nanosleep)
        return !((int)arguments[1] & TIMER_ABSTIME);
    return blocked->number == SYS_nanosleep;
}

/* "NUMBER ARGUMENTS stack instruction", or "running". */
static void peek(const struct mp_target *target, pid_t tid, struct mp_blocked *blocked,
                 uint64_t *stack)
{
    char path[64], text[512] = "";
    uint64_t *a = blocked->arguments;
    snprintf(path, sizeof path, "task/%d/syscall", (int)tid);
    int fd = openat(target->proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[length > 0 ? length : 0] = 0;
    if (sscanf(text,
               "%ld %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64
               " %" SCNx64,
               &blocked->number, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5], stack) != 8)
        blocked->number = -1;
}

pid_t mp_thread_native_id(const struct mp_target *target, pid_t tid)
{
    char path[64], text[256], *last;
    snprintf(path, sizeof path, "task/%d/status", (int)tid);
    if (!mp_target_line(target->proc, path, "NSpid:", text, sizeof text))
        return mp_target_line(target->proc, path, "Pid:", text, sizeof text) ? tid : 0;
    last = strrchr(text, '\t');
    return (pid_t)atoi(last ? last + 1 : text);
}

static int add(struct mp_threads *threads, const struct mp_target *target, pid_t tid)
{
    struct mp_blocked blocked;
    uint64_t stack = 0;
    if (mp_array_reserve((void **)&threads->items, &threads->room, threads->count + 1,
                         sizeof *threads->items))
        return -1;
    struct mp_thread *thread = &threads->items[threads->count];
    *thread = (struct mp_thread){tid, mp_thread_native_id(target, tid), MP_THREAD_OTHER};
    if (!thread->native_id)
        return 0;
    peek(target, tid, &blocked, &stack);
    bool waits = mp_thread_waits(target, thread->native_id, &blocked, stack);
    bool is_main = tid == target->pid;
    threads->main_is_elsewhere |=
        is_main && mp_python_thread(&target->python, thread->native_id).is_elsewhere;
    thread->rank = is_main ? (waits ? MP_THREAD_MAIN_WAITS : MP_THREAD_MAIN)
                           : (waits ? MP_THREAD_WAITS : MP_THREAD_OTHER);
    if (counts_time(&blocked))
        thread->rank = MP_THREAD_COUNTS_TIME;
    threads->can_be_direct |= waits;
    threads->count++;
    return 0;
}

static int by_rank(const void *left, const void *right)
{
    const struct mp_thread *a = left, *b = right;
    if (a->rank != b->rank)
        return (int)a->rank - (int)b->rank;
    return (a->tid > b->tid) - (a->tid < b->tid);
}

int mp_threads_list(struct mp_threads *threads, const struct mp_target *target)
{
    int fd = openat(target->proc, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC), failed = 0;
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    *threads = (struct mp_threads){0};
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    for (struct dirent *entry; !failed && (entry = readdir(folder));)
        if (*entry->d_name != '.')
            failed = add(threads, target, (pid_t)atoi(entry->d_name));
    closedir(folder);
    if (threads->count)
        qsort(threads->items, threads->count, sizeof *threads->items, by_rank);
    return failed;
}

enum mp_target_problem mp_threads_check(const struct mp_target *target)
{
    struct mp_threads threads;
    bool nobody = !mp_threads_list(&threads, target) && threads.main_is_elsewhere &&
                  !threads.can_be_direct;
    mp_threads_release(&threads);
    return nobody ? MP_TARGET_ELSEWHERE : MP_TARGET_OK;
}

void mp_threads_release(struct mp_threads *threads)
{
    free(threads->items);
    *threads = (struct mp_threads){0};
}
