/* The hooks before the allocators of Python's domains where every block is recorded, and what those of samples
 * have of them: each is a function for each domain, for which the same is written out.
 */
#ifndef MP_CAPTURE_HEAP_PYTHON_HOOKS_EXACT_H
#define MP_CAPTURE_HEAP_PYTHON_HOOKS_EXACT_H

#include <Python.h>

#include "capture/heap/python/recording.h"

#define MP_HOOKS_OWN __attribute__((visibility("hidden")))
#define MP_HOOKS_LOCAL __attribute__((tls_model("initial-exec"), visibility("hidden")))

enum { MP_HOOKS_DOMAINS = 3 };

/* While we look whether our hook is still before a domain's allocator: pymalloc's calls also reach
   the raw domain's. */
extern __thread int mp_hooks_probed MP_HOOKS_LOCAL;
extern __thread bool mp_hooks_probe_seen MP_HOOKS_LOCAL;

/* The allocators that were there. */
extern PyMemAllocatorEx mp_hooks_before[MP_HOOKS_DOMAINS] MP_HOOKS_OWN;
/* Bytes: blocks of up to so many lie in pymalloc's pools, and taking one calls nothing that is
   followed. */
extern size_t mp_hooks_fast_path[MP_HOOKS_DOMAINS] MP_HOOKS_OWN;

/* The four of a domain, in the table of their set. */
#define MP_HOOKS_ROW(of, domain)                                                         \
    [domain] = {NULL, of##_malloc_##domain, of##_calloc_##domain, of##_realloc_##domain, \
                of##_free_##domain}

/* All of them. */
extern const PyMemAllocatorEx mp_hooks_exact[MP_HOOKS_DOMAINS] MP_HOOKS_OWN;

/* Each, for what a sample takes. */
#define MP_HOOKS_DECLARED(domain)                                                          \
    void *mp_hooks_malloc_##domain(void *context, size_t size) MP_HOOKS_OWN;               \
    void *mp_hooks_calloc_##domain(void *context, size_t count, size_t size) MP_HOOKS_OWN; \
    void *mp_hooks_realloc_##domain(void *context, void *from, size_t size) MP_HOOKS_OWN;  \
    void mp_hooks_free_##domain(void *context, void *address) MP_HOOKS_OWN;

MP_HOOKS_DECLARED(PYMEM_DOMAIN_RAW)
MP_HOOKS_DECLARED(PYMEM_DOMAIN_MEM)
MP_HOOKS_DECLARED(PYMEM_DOMAIN_OBJ)

/* Records a block the way of all. */
void mp_hooks_report(PyMemAllocatorDomain, void *address, size_t size,
                     enum mp_shadow_where) MP_HOOKS_OWN;

/* Of no bytes too: pymalloc takes it from malloc. */
static inline bool mp_hooks_have_fast_path(PyMemAllocatorDomain domain, size_t size)
{
    return size - 1 < mp_hooks_fast_path[domain];
}

/* Where a block of this size is. */
static inline enum mp_shadow_where mp_hooks_where(PyMemAllocatorDomain domain, size_t size)
{
    bool is_in_pool = domain != PYMEM_DOMAIN_RAW && mp_hooks_have_fast_path(domain, size);
    return is_in_pool ? MP_SHADOW_IN_POOL : MP_SHADOW_ANYWHERE;
}

/* A block that pymalloc has from malloc is made smaller by malloc. */
static inline enum mp_shadow_where
mp_hooks_where_moved(PyMemAllocatorDomain domain, const struct mp_block *from, size_t size)
{
    return from->known && from->size > MP_LEDGER_SMALL ? MP_SHADOW_ANYWHERE
                                                       : mp_hooks_where(domain, size);
}

/* Whoever asks for mem or object blocks holds the lock: that is their contract. */
static inline enum mp_lock mp_hooks_lock_of(PyMemAllocatorDomain domain)
{
    return domain == PYMEM_DOMAIN_RAW ? MP_LOCK_UNKNOWN : MP_LOCK_HELD;
}

/* Whether this call is to be followed. While it is, nothing inside it is. */
static inline bool mp_hooks_begin(PyMemAllocatorDomain domain)
{
    if (mp_recording_is_open() && mp_native_begin())
        return true;
    if (__builtin_expect(mp_hooks_probed == (int)domain, 0))
        mp_hooks_probe_seen = true;
    return false;
}

/* Brings a block that is recorded out of pymalloc's pools. Returns where it is then; NULL: it stays in one, and
   cannot be recorded. */
typedef void *mp_hooks_settle(const PyMemAllocatorEx *, void *address, size_t size);

/* `settle`: NULL where blocks that are recorded may lie in pools. */
static inline void *mp_hooks_follow_realloc(PyMemAllocatorDomain domain,
                                            const PyMemAllocatorEx *to, void *from,
                                            size_t size, mp_hooks_settle *settle)
{
    enum mp_lock lock = mp_hooks_lock_of(domain);
    if (!mp_hooks_begin(domain))
        return to->realloc(to->ctx, from, size);
    struct mp_moving moving = {0};
    if (from)
        moving = mp_recording_take(lock, from);
    void *address = to->realloc(to->ctx, from, size);
    void *recorded = address && mp_recording_should_record(size) ? address : NULL;
    if (settle && recorded && !moving.block.known)
        recorded = settle(to, address, size);
    if (address)
        mp_recording_moved(lock, MP_HEAP_PYTHON, from, &moving, recorded, size,
                           settle ? MP_SHADOW_ANYWHERE
                                  : mp_hooks_where_moved(domain, &moving.block, size));
    else if (from)
        mp_recording_put_back(lock, from, &moving);
    mp_native_end();
    return recorded ? recorded : address;
}

#endif
