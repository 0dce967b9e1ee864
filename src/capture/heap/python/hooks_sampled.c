#include "capture/heap/python/hooks_sampled.h"

#include <string.h>

/* Whether a block is skipped, and what it calls is not followed until mp_native_end(). */
static inline bool begin_skipping(size_t size)
{
    if (mp_native_state || !mp_recording_skips(size))
        return false;
    mp_native_state = MP_NATIVE_INSIDE;
    return true;
}

/* Of a block whose taking calls what is followed. */
static inline void *skip_or_follow(const PyMemAllocatorEx *to, void *context, size_t size,
                                   void *(*follow)(void *, size_t))
{
    if (!begin_skipping(size))
        return follow(context, size);
    void *address = to->malloc(to->ctx, size);
    mp_native_end();
    return address;
}

static inline void *sampled_malloc(PyMemAllocatorDomain domain, void *context, size_t size,
                                   void *(*follow)(void *, size_t))
{
    const PyMemAllocatorEx *to = &mp_hooks_before[domain];
    if (mp_hooks_have_fast_path(domain, size))
        return mp_recording_skips(size) ? to->malloc(to->ctx, size) : follow(context, size);
    return skip_or_follow(to, context, size, follow);
}

static inline void *sampled_calloc(PyMemAllocatorDomain domain, void *context, size_t count,
                                   size_t size, void *(*follow)(void *, size_t, size_t))
{
    const PyMemAllocatorEx *to = &mp_hooks_before[domain];
    if (mp_hooks_have_fast_path(domain, count * size) && mp_recording_skips(count * size))
        return to->calloc(to->ctx, count, size);
    return follow(context, count, size);
}

static inline void *sampled_realloc(const PyMemAllocatorEx *to, void *context, void *from,
                                    size_t size, void *(*follow)(void *, void *, size_t))
{
    if (mp_recording_may_know(from) || !begin_skipping(size))
        return follow(context, from, size);
    void *address = to->realloc(to->ctx, from, size);
    mp_native_end();
    return address;
}

static inline void sampled_free(PyMemAllocatorDomain domain, void *context, void *address,
                                void (*follow)(void *, void *))
{
    const PyMemAllocatorEx *to = &mp_hooks_before[domain];
    if (mp_recording_may_know(address))
        follow(context, address);
    else
        to->free(to->ctx, address);
}

/* Where samples are far apart, no hook is before pymalloc's free. A small block that is recorded is set apart:
   asked for as a larger one, which pymalloc has from malloc and gives back there, so that the raw
   domain's hook sees its end. Another tool may keep these hooks for longer than their recording: they
   pass everything on then, and others come before that tool. */
enum { APART = MP_LEDGER_SMALL + 1 /* bytes */ };

PyMemAllocatorEx mp_hooks_pymalloc[MP_HOOKS_DOMAINS];
size_t mp_hooks_small;

static inline bool is_small(size_t size)
{
    return size - 1 < mp_hooks_small;
}

/* What was made in a pool moves out; what is larger is in none. NULL: it stays where it is. */
static inline void *move_apart(const PyMemAllocatorEx *to, void *address, size_t size)
{
    if (!is_small(size))
        return address;
    void *moved = to->malloc(to->ctx, APART);
    if (!moved)
        return NULL;
    memcpy(moved, address, size);
    to->free(to->ctx, address);
    return moved;
}

static void *malloc_apart(PyMemAllocatorDomain domain, size_t size)
{
    const PyMemAllocatorEx *to = &mp_hooks_pymalloc[domain];
    if (!mp_hooks_begin(domain))
        return to->malloc(to->ctx, size);
    void *address = to->malloc(to->ctx, APART);
    if (address)
        mp_hooks_report(domain, address, size, MP_SHADOW_ANYWHERE);
    else
        address = to->malloc(to->ctx, size);
    if (mp_recording_owes_word())
        mp_recording_settle(mp_hooks_lock_of(domain));
    mp_native_end();
    return address;
}

static void *calloc_apart(PyMemAllocatorDomain domain, size_t size)
{
    void *address = malloc_apart(domain, size);
    return address ? memset(address, 0, size) : NULL;
}

#define ALONE static __attribute__((noinline))
#define SAMPLED_HOOKS_OF(domain)                                                       \
    static void *sampled_malloc_##domain(void *context, size_t size)                   \
    {                                                                                  \
        return sampled_malloc(domain, context, size, mp_hooks_malloc_##domain);        \
    }                                                                                  \
    static void *sampled_calloc_##domain(void *context, size_t count, size_t size)     \
    {                                                                                  \
        return sampled_calloc(domain, context, count, size, mp_hooks_calloc_##domain); \
    }                                                                                  \
    static void *sampled_realloc_##domain(void *context, void *from, size_t size)      \
    {                                                                                  \
        return sampled_realloc(&mp_hooks_before[domain], context, from, size,          \
                               mp_hooks_realloc_##domain);                             \
    }                                                                                  \
    static void sampled_free_##domain(void *context, void *address)                    \
    {                                                                                  \
        sampled_free(domain, context, address, mp_hooks_free_##domain);                \
    }

#define BARE_HOOKS_OF(domain)                                                          \
    ALONE void *malloc_apart_##domain(size_t size)                                     \
    {                                                                                  \
        return malloc_apart(domain, size);                                             \
    }                                                                                  \
    ALONE void *calloc_apart_##domain(size_t size)                                     \
    {                                                                                  \
        return calloc_apart(domain, size);                                             \
    }                                                                                  \
    ALONE void *realloc_apart_##domain(void *context, void *from, size_t size)         \
    {                                                                                  \
        (void)context;                                                                 \
        return mp_hooks_follow_realloc(domain, &mp_hooks_pymalloc[domain], from, size, \
                                       move_apart);                                    \
    }                                                                                  \
    ALONE void *malloc_large_##domain(void *context, size_t size)                      \
    {                                                                                  \
        const PyMemAllocatorEx *to = &mp_hooks_pymalloc[domain];                       \
        return mp_hooks_small                                                          \
                   ? skip_or_follow(to, context, size, mp_hooks_malloc_##domain)       \
                   : to->malloc(to->ctx, size);                                        \
    }                                                                                  \
    static void *bare_malloc_##domain(void *context, size_t size)                      \
    {                                                                                  \
        const PyMemAllocatorEx *to = &mp_hooks_pymalloc[domain];                       \
        if (!is_small(size))                                                           \
            return malloc_large_##domain(context, size);                               \
        return mp_recording_skips(size) ? to->malloc(to->ctx, size)                    \
                                        : malloc_apart_##domain(size);                 \
    }                                                                                  \
    static void *bare_calloc_##domain(void *context, size_t count, size_t size)        \
    {                                                                                  \
        const PyMemAllocatorEx *to = &mp_hooks_pymalloc[domain];                       \
        if (!is_small(count * size))                                                   \
            return mp_hooks_small ? mp_hooks_calloc_##domain(context, count, size)     \
                                  : to->calloc(to->ctx, count, size);                  \
        return mp_recording_skips(count * size) ? to->calloc(to->ctx, count, size)     \
                                                : calloc_apart_##domain(count * size); \
    }                                                                                  \
    static void *bare_realloc_##domain(void *context, void *from, size_t size)         \
    {                                                                                  \
        const PyMemAllocatorEx *to = &mp_hooks_pymalloc[domain];                       \
        return mp_hooks_small                                                          \
                   ? sampled_realloc(to, context, from, size, realloc_apart_##domain)  \
                   : to->realloc(to->ctx, from, size);                                 \
    }

SAMPLED_HOOKS_OF(PYMEM_DOMAIN_RAW)
SAMPLED_HOOKS_OF(PYMEM_DOMAIN_MEM)
SAMPLED_HOOKS_OF(PYMEM_DOMAIN_OBJ)
BARE_HOOKS_OF(PYMEM_DOMAIN_MEM)
BARE_HOOKS_OF(PYMEM_DOMAIN_OBJ)

#define BARE(domain)                                                                     \
    [domain] = {NULL, bare_malloc_##domain, bare_calloc_##domain, bare_realloc_##domain, \
                NULL}

const PyMemAllocatorEx mp_hooks_sampling[MP_HOOKS_DOMAINS] = {
    MP_HOOKS_ROW(sampled, PYMEM_DOMAIN_RAW), MP_HOOKS_ROW(sampled, PYMEM_DOMAIN_MEM),
    MP_HOOKS_ROW(sampled, PYMEM_DOMAIN_OBJ)};
const PyMemAllocatorEx mp_hooks_bare[MP_HOOKS_DOMAINS] = {BARE(PYMEM_DOMAIN_MEM),
                                                          BARE(PYMEM_DOMAIN_OBJ)};
