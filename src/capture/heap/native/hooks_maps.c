#include "capture/heap/native/hooks_maps.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "capture/heap/native/begin.h"
#include "capture/heap/native/sink.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

enum { LARGE = 1 << 24 };

static void *(*real_mmap)(void *, size_t, int, int, int, off_t);
static void *(*real_mmap64)(void *, size_t, int, int, int, off_t);
static int (*real_munmap)(void *, size_t);
static void *(*real_mremap)(void *, size_t, size_t, int, void *);
static int (*real_mprotect)(void *, size_t, int);
static int (*real_madvise)(void *, size_t, int);
static int (*real_brk)(void *);
static void *(*real_sbrk)(intptr_t);

/* On a page that is empty in any child, as a free lock is: clone(2) runs no fork handlers, and a
   thread that is not in the child may have had it. */
static pthread_mutex_t *order;

static bool begin(void)
{
    if (!mp_native_begin())
        return false;
    pthread_mutex_lock(order);
    return true;
}

/* What is reported comes between: errno is the call's. */
static void end(int kept)
{
    pthread_mutex_unlock(order);
    errno = kept;
    mp_native_end();
}

/* Who takes a GiB of addresses at once (mimalloc, in Arrow), or 32 MiB for each thread (OpenBLAS),
   does not use all of it. */
static enum mp_map_kind kind_of(size_t length, int protection, int flags)
{
    if (!(flags & MAP_ANONYMOUS))
        return MP_MAP_FILE;
    if ((flags & MAP_TYPE) != MAP_PRIVATE)
        return MP_MAP_SHARED;
    bool is_large = length >= LARGE && protection != PROT_NONE;
    return is_large ? MP_MAP_POOL : MP_MAP_ANONYMOUS;
}

static void *report_map(void *address, size_t length, int protection, int flags)
{
    int kept = errno;
    if (address != MAP_FAILED)
        mp_native_sink.map(address, length, kind_of(length, protection, flags), protection);
    end(kept);
    return address;
}

static void *hook_mmap(void *at, size_t length, int protection, int flags, int fd,
                       off_t from)
{
    if (!begin())
        return real_mmap(at, length, protection, flags, fd, from);
    return report_map(real_mmap(at, length, protection, flags, fd, from), length,
                      protection, flags);
}

static void *hook_mmap64(void *at, size_t length, int protection, int flags, int fd,
                         off_t from)
{
    if (!begin())
        return real_mmap64(at, length, protection, flags, fd, from);
    return report_map(real_mmap64(at, length, protection, flags, fd, from), length,
                      protection, flags);
}

static int hook_munmap(void *address, size_t length)
{
    if (!begin())
        return real_munmap(address, length);
    mp_native_sink.leave(address, length);
    int failed = real_munmap(address, length), kept = errno;
    if (!failed)
        mp_native_sink.unmap(address, length);
    end(kept);
    return failed;
}

/* The last argument is variadic in the prototype; callers that do not give it leave whatever the
   register held, and the original knows by the flags whether to look. */
static void *hook_mremap(void *old, size_t old_length, size_t new_length, int flags,
                         void *at)
{
    if (!begin())
        return real_mremap(old, old_length, new_length, flags, at);
    void *new = real_mremap(old, old_length, new_length, flags, at);
    int kept = errno;
    if (new != MAP_FAILED)
        mp_native_sink.remap(&(struct mp_maps_remap){.old = (uintptr_t)old,
                                                     .new = (uintptr_t) new,
                                                     .old_length = old_length,
                                                     .new_length = new_length,
                                                     .flags = flags});
    end(kept);
    return new;
}

static int hook_mprotect(void *address, size_t length, int protection)
{
    if (!begin())
        return real_mprotect(address, length, protection);
    int failed = real_mprotect(address, length, protection), kept = errno;
    if (!failed)
        mp_native_sink.protect(address, length, protection);
    end(kept);
    return failed;
}

static int hook_madvise(void *address, size_t length, int advice)
{
    bool empties = advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED;
    if (!empties || !begin())
        return real_madvise(address, length, advice);
    mp_native_sink.leave(address, length);
    int failed = real_madvise(address, length, advice), kept = errno;
    if (!failed || kept == ENOMEM) /* what lies between holes is emptied all the same */
        mp_native_sink.dontneed(address, length);
    end(kept);
    return failed;
}

static uintptr_t page_up(uintptr_t address)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    return (address + page - 1) & ~(page - 1);
}

/* The program's break is a byte, what is mapped below it are pages. */
static void report_break(uintptr_t before, uintptr_t after)
{
    uintptr_t from = page_up(before), to = page_up(after);
    if (to > from)
        mp_native_sink.map((void *)from, to - from, MP_MAP_ANONYMOUS,
                           PROT_READ | PROT_WRITE);
    else if (to < from)
        mp_native_sink.unmap((void *)to, from - to);
}

static int hook_brk(void *to)
{
    if (!begin())
        return real_brk(to);
    uintptr_t before = (uintptr_t)real_sbrk(0);
    int failed = real_brk(to), kept = errno;
    if (!failed)
        report_break(before, (uintptr_t)to);
    end(kept);
    return failed;
}

static void *hook_sbrk(intptr_t by)
{
    if (!by || !begin())
        return real_sbrk(by);
    void *before = real_sbrk(by);
    int kept = errno;
    if (before != MAP_FAILED) /* as brk fails, too */
        report_break((uintptr_t)before, (uintptr_t)before + (uintptr_t)by);
    end(kept);
    return before;
}

#define HOOK(name)                                        \
    {                                                     \
#name, (void *)hook_##name, (void **)&real_##name \
    }

const struct mp_patch mp_native_maps[MP_NATIVE_MAPS] = {
    HOOK(mmap),     HOOK(mmap64),  HOOK(munmap), HOOK(mremap),
    HOOK(mprotect), HOOK(madvise), HOOK(brk),    HOOK(sbrk),
};

/* A thread that is not in the child may have had the loader's lock; and ours, where the kernel is
   too old to empty a page. */
static void forget_others(void)
{
    pthread_mutex_init(order, NULL);
    mp_native_state &= ~(unsigned)MP_NATIVE_LOOKS;
}

int mp_native_maps_init(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (order)
        return 0;
    void *lock =
        mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (lock == MAP_FAILED)
        return -1;
    madvise(lock, page, MADV_WIPEONFORK);
    order = lock;
    pthread_mutex_init(order, NULL);
    errno = pthread_atfork(NULL, NULL, forget_others);
    return errno ? -1 : 0;
}
