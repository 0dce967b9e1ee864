#include "capture/heap/python/hooks.h"

#include <Python.h>

#include <opcode.h>
#include <string.h>

#include "capture/heap/python/arenas.h"
#include "capture/heap/python/code_ends.h"
#include "capture/heap/python/usual.h"

#define LOCAL static __thread __attribute__((tls_model("initial-exec")))

enum { DOMAINS = 3, INTERPRETER = 1 << 16 /* bytes: no interpreter's state is smaller */ };

/* While we look whether our hook is still before a domain's allocator: pymalloc's calls also reach
   the raw domain's. */
LOCAL int probed = -1;
LOCAL bool probe_seen;

static PyMemAllocatorEx original[DOMAINS];
/* Bytes: blocks of up to so many lie in pymalloc's pools, and taking one calls nothing that is
   followed. */
static size_t fast_path[DOMAINS];

/* Once sys.monitoring is in use, the interpreter prepares every code object at its first RESUME,
   also of code that nobody traces: not the program's bytes, nor the line's that calls it. */
static inline bool may_be_for_events(size_t size)
{
#if PY_VERSION_HEX >= 0x030C0000
    return __builtin_expect(size == sizeof(_PyCoMonitoringData), 0);
#else
    (void)size;
    return false;
#endif
}

static inline bool is_for_events(PyThreadState *thread, size_t size)
{
#if PY_VERSION_HEX >= 0x030C0000
    if (!may_be_for_events(size) || !thread)
        return false;
    const _PyInterpreterFrame *frame = mp_frame_innermost(thread);
    if (!frame || !mp_frame_is_python(frame) || mp_frame_code(frame)->_co_monitoring)
        return false;
    unsigned char at = mp_frame_instruction(frame)->op.code;
#ifdef RESUME_CHECK
    return at == RESUME || at == RESUME_CHECK;
#else
    return at == RESUME;
#endif
#else
    (void)thread, (void)size;
    return false;
#endif
}

/* Of no bytes too: pymalloc takes it from malloc. */
static inline bool has_fast_path(PyMemAllocatorDomain domain, size_t size)
{
    return size - 1 < fast_path[domain];
}

/* Where a block of this size is. */
static inline enum mp_shadow_where where(PyMemAllocatorDomain domain, size_t size)
{
    bool is_in_pool = domain != PYMEM_DOMAIN_RAW && has_fast_path(domain, size);
    return is_in_pool ? MP_SHADOW_IN_POOL : MP_SHADOW_ANYWHERE;
}

/* A block that pymalloc has from malloc is made smaller by malloc. */
static inline enum mp_shadow_where where_moved(PyMemAllocatorDomain domain,
                                               const struct mp_block *from, size_t size)
{
    return from->known && from->size > MP_LEDGER_SMALL ? MP_SHADOW_ANYWHERE
                                                       : where(domain, size);
}

/* Whoever asks for mem or object blocks holds the lock: that is their contract. */
static inline enum mp_lock lock_of(PyMemAllocatorDomain domain)
{
    return domain == PYMEM_DOMAIN_RAW ? MP_LOCK_UNKNOWN : MP_LOCK_HELD;
}

static __attribute__((noinline)) void report_any_alloc(PyMemAllocatorDomain domain,
                                                       void *address, size_t size,
                                                       enum mp_shadow_where where)
{
    if (!mp_recording_should_record(size))
        return;
    PyThreadState *thread;
    enum mp_biased_lock_way way = mp_recording_enter(lock_of(domain), &thread);
    if (mp_recording_is_open() && !is_for_events(thread, size)) {
        struct mp_hooked *mine = mp_recording_mine();
        int kept = *mine->error;
        mp_recording_note(mine, thread, MP_HEAP_PYTHON, address, size, where);
        *mine->error = kept;
    }
    mp_recording_leave(way);
}

static inline void report_alloc(PyMemAllocatorDomain domain, void *address, size_t size)
{
    bool is_usual =
        domain != PYMEM_DOMAIN_RAW && has_fast_path(domain, size) &&
        !(may_be_for_events(size) && is_for_events(mp_thread_holding(), size)) &&
        mp_usual_alloc(address, size);
    if (__builtin_expect(!is_usual, 0))
        report_any_alloc(domain, address, size, where(domain, size));
}

static __attribute__((noinline)) void report_any_free(PyMemAllocatorDomain domain,
                                                      void *address)
{
    mp_recording_free(lock_of(domain), MP_HEAP_PYTHON, address);
}

static inline void report_free(PyMemAllocatorDomain domain, void *address)
{
    bool is_usual = domain != PYMEM_DOMAIN_RAW && mp_usual_free(address);
    if (__builtin_expect(!is_usual, 0))
        report_any_free(domain, address);
}

/* Whether this call is to be followed. While it is, nothing inside it is. */
static inline bool begin(PyMemAllocatorDomain domain)
{
    if (mp_recording_is_open() && mp_native_begin())
        return true;
    if (__builtin_expect(probed == (int)domain, 0))
        probe_seen = true;
    return false;
}

static inline void *hook_malloc(PyMemAllocatorDomain domain, size_t size)
{
    const PyMemAllocatorEx *to = &original[domain];
    if (!begin(domain))
        return to->malloc(to->ctx, size);
    void *address = to->malloc(to->ctx, size);
    if (address)
        report_alloc(domain, address, size);
    if (mp_recording_owes_word())
        mp_recording_settle(lock_of(domain));
    mp_native_end();
    return address;
}

static inline void hook_free(PyMemAllocatorDomain domain, void *address)
{
    const PyMemAllocatorEx *to = &original[domain];
    bool followed = address && begin(domain);
    if (followed)
        report_free(domain, address);
    to->free(to->ctx, address);
    if (followed && mp_recording_owes())
        mp_recording_settle(lock_of(domain));
    if (followed)
        mp_native_end();
}

/* An interpreter is being made. */
static void note_another(void)
{
    mp_recording.may_be_several = true;
    mp_hooks_see_ends();
    mp_recording_look_if_usual();
}

static inline void *hook_calloc(PyMemAllocatorDomain domain, size_t count, size_t size)
{
    const PyMemAllocatorEx *to = &original[domain];
    if (!begin(domain))
        return to->calloc(to->ctx, count, size);
    if (domain == PYMEM_DOMAIN_RAW && count * size >= INTERPRETER)
        note_another();
    void *address = to->calloc(to->ctx, count, size);
    if (address)
        report_alloc(domain, address, count * size);
    mp_native_end();
    return address;
}

/* Where samples are far apart, no hook is before pymalloc's free. A small block that is recorded is set apart:
   asked for as a larger one, which pymalloc has from malloc and gives back there, so that the raw
   domain's hook sees its end. Another tool may keep these hooks for longer than their recording: they
   pass everything on then, and others come before that tool. */
enum { APART = MP_LEDGER_SMALL + 1 /* bytes */, APART_PERIOD = 1 << 16 };

static PyMemAllocatorEx pymalloc[DOMAINS];
static size_t small; /* bytes: so large blocks may be set apart; 0: these hooks pass on */

static inline bool is_small(size_t size)
{
    return size - 1 < small;
}

/* What was made in a pool moves out. NULL: it stays where it is. */
static void *move_apart(const PyMemAllocatorEx *to, void *address, size_t size)
{
    void *moved = to->malloc(to->ctx, APART);
    if (!moved)
        return NULL;
    memcpy(moved, address, size);
    to->free(to->ctx, address);
    return moved;
}

/* `apart`: a block that is recorded may lie in no pool. */
static inline void *follow_realloc(PyMemAllocatorDomain domain, const PyMemAllocatorEx *to,
                                   void *from, size_t size, bool apart)
{
    enum mp_lock lock = lock_of(domain);
    if (!begin(domain))
        return to->realloc(to->ctx, from, size);
    struct mp_moving moving = {0};
    if (from)
        moving = mp_recording_take(lock, from);
    void *address = to->realloc(to->ctx, from, size);
    void *recorded = address && mp_recording_should_record(size) ? address : NULL;
    if (apart && recorded && !moving.block.known && is_small(size))
        recorded = move_apart(to, address, size);
    if (address)
        mp_recording_moved(lock, MP_HEAP_PYTHON, from, &moving, recorded, size,
                           apart ? MP_SHADOW_ANYWHERE
                                 : where_moved(domain, &moving.block, size));
    else if (from)
        mp_recording_put_back(lock, from, &moving);
    mp_native_end();
    return recorded ? recorded : address;
}

static inline void *hook_realloc(PyMemAllocatorDomain domain, void *from, size_t size)
{
    return follow_realloc(domain, &original[domain], from, size, false);
}

/* Where only some blocks are recorded, most are skipped: functions of their own, which save no registers,
   and go on to pymalloc as if they were not there. Either set of hooks does what is right of either
   kind of recording, and of none. */

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
    const PyMemAllocatorEx *to = &original[domain];
    if (has_fast_path(domain, size))
        return mp_recording_skips(size) ? to->malloc(to->ctx, size) : follow(context, size);
    return skip_or_follow(to, context, size, follow);
}

static inline void *sampled_calloc(PyMemAllocatorDomain domain, void *context, size_t count,
                                   size_t size, void *(*follow)(void *, size_t, size_t))
{
    const PyMemAllocatorEx *to = &original[domain];
    if (has_fast_path(domain, count * size) && mp_recording_skips(count * size))
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
    const PyMemAllocatorEx *to = &original[domain];
    if (mp_recording_may_know(address))
        follow(context, address);
    else
        to->free(to->ctx, address);
}

static void *malloc_apart(PyMemAllocatorDomain domain, size_t size)
{
    const PyMemAllocatorEx *to = &pymalloc[domain];
    if (!begin(domain))
        return to->malloc(to->ctx, size);
    void *address = to->malloc(to->ctx, APART);
    if (address)
        report_any_alloc(domain, address, size, MP_SHADOW_ANYWHERE);
    else
        address = to->malloc(to->ctx, size);
    if (mp_recording_owes_word())
        mp_recording_settle(lock_of(domain));
    mp_native_end();
    return address;
}

static void *calloc_apart(PyMemAllocatorDomain domain, size_t size)
{
    void *address = malloc_apart(domain, size);
    return address ? memset(address, 0, size) : NULL;
}

/* The context is ours, not what the caller read: while another tool changes the allocators it may
   be another's. */
#define ALONE static __attribute__((noinline))
#define HOOKS_OF(domain)                                                                  \
    ALONE void *malloc_##domain(void *context, size_t size)                               \
    {                                                                                     \
        (void)context;                                                                    \
        return hook_malloc(domain, size);                                                 \
    }                                                                                     \
    ALONE void *calloc_##domain(void *context, size_t count, size_t size)                 \
    {                                                                                     \
        (void)context;                                                                    \
        return hook_calloc(domain, count, size);                                          \
    }                                                                                     \
    ALONE void *realloc_##domain(void *context, void *from, size_t size)                  \
    {                                                                                     \
        (void)context;                                                                    \
        return hook_realloc(domain, from, size);                                          \
    }                                                                                     \
    ALONE void free_##domain(void *context, void *address)                                \
    {                                                                                     \
        (void)context;                                                                    \
        hook_free(domain, address);                                                       \
    }                                                                                     \
    static void *sampled_malloc_##domain(void *context, size_t size)                      \
    {                                                                                     \
        return sampled_malloc(domain, context, size, malloc_##domain);                    \
    }                                                                                     \
    static void *sampled_calloc_##domain(void *context, size_t count, size_t size)        \
    {                                                                                     \
        return sampled_calloc(domain, context, count, size, calloc_##domain);             \
    }                                                                                     \
    static void *sampled_realloc_##domain(void *context, void *from, size_t size)         \
    {                                                                                     \
        return sampled_realloc(&original[domain], context, from, size, realloc_##domain); \
    }                                                                                     \
    static void sampled_free_##domain(void *context, void *address)                       \
    {                                                                                     \
        sampled_free(domain, context, address, free_##domain);                            \
    }

#define BARE_HOOKS_OF(domain)                                                           \
    ALONE void *malloc_apart_##domain(size_t size)                                      \
    {                                                                                   \
        return malloc_apart(domain, size);                                              \
    }                                                                                   \
    ALONE void *calloc_apart_##domain(size_t size)                                      \
    {                                                                                   \
        return calloc_apart(domain, size);                                              \
    }                                                                                   \
    ALONE void *realloc_apart_##domain(void *context, void *from, size_t size)          \
    {                                                                                   \
        (void)context;                                                                  \
        return follow_realloc(domain, &pymalloc[domain], from, size, true);             \
    }                                                                                   \
    ALONE void *malloc_large_##domain(void *context, size_t size)                       \
    {                                                                                   \
        const PyMemAllocatorEx *to = &pymalloc[domain];                                 \
        return small ? skip_or_follow(to, context, size, malloc_##domain)               \
                     : to->malloc(to->ctx, size);                                       \
    }                                                                                   \
    static void *bare_malloc_##domain(void *context, size_t size)                       \
    {                                                                                   \
        const PyMemAllocatorEx *to = &pymalloc[domain];                                 \
        if (!is_small(size))                                                            \
            return malloc_large_##domain(context, size);                                \
        return mp_recording_skips(size) ? to->malloc(to->ctx, size)                     \
                                        : malloc_apart_##domain(size);                  \
    }                                                                                   \
    static void *bare_calloc_##domain(void *context, size_t count, size_t size)         \
    {                                                                                   \
        const PyMemAllocatorEx *to = &pymalloc[domain];                                 \
        if (!is_small(count * size))                                                    \
            return small ? calloc_##domain(context, count, size)                        \
                         : to->calloc(to->ctx, count, size);                            \
        return mp_recording_skips(count * size) ? to->calloc(to->ctx, count, size)      \
                                                : calloc_apart_##domain(count * size);  \
    }                                                                                   \
    static void *bare_realloc_##domain(void *context, void *from, size_t size)          \
    {                                                                                   \
        const PyMemAllocatorEx *to = &pymalloc[domain];                                 \
        return small ? sampled_realloc(to, context, from, size, realloc_apart_##domain) \
                     : to->realloc(to->ctx, from, size);                                \
    }

HOOKS_OF(PYMEM_DOMAIN_RAW)
HOOKS_OF(PYMEM_DOMAIN_MEM)
HOOKS_OF(PYMEM_DOMAIN_OBJ)
BARE_HOOKS_OF(PYMEM_DOMAIN_MEM)
BARE_HOOKS_OF(PYMEM_DOMAIN_OBJ)

#define HOOKS(domain) \
    [domain] = {NULL, malloc_##domain, calloc_##domain, realloc_##domain, free_##domain}
#define SAMPLED(domain)                                                 \
    [domain] = {NULL, sampled_malloc_##domain, sampled_calloc_##domain, \
                sampled_realloc_##domain, sampled_free_##domain}

#define BARE(domain)                                                                     \
    [domain] = {NULL, bare_malloc_##domain, bare_calloc_##domain, bare_realloc_##domain, \
                NULL}

enum set { EXACT, SAMPLING, BARE, SETS };

static PyMemAllocatorEx hooks[SETS][DOMAINS] = {
    [EXACT] = {HOOKS(PYMEM_DOMAIN_RAW), HOOKS(PYMEM_DOMAIN_MEM), HOOKS(PYMEM_DOMAIN_OBJ)},
    [SAMPLING] = {SAMPLED(PYMEM_DOMAIN_RAW), SAMPLED(PYMEM_DOMAIN_MEM),
                  SAMPLED(PYMEM_DOMAIN_OBJ)},
    [BARE] = {BARE(PYMEM_DOMAIN_MEM), BARE(PYMEM_DOMAIN_OBJ)},
};

/* Whether an allocation reaches our hook: another tool may have put back what it found. */
static bool is_installed(PyMemAllocatorDomain domain)
{
    PyMemAllocatorEx now;
    PyMem_GetAllocator(domain, &now);
    if (!original[domain].malloc)
        return false;
    probe_seen = false;
    probed = (int)domain;
    mp_native_mute();
    void *block = now.malloc(now.ctx, MP_LEDGER_SMALL + 1); /* which has no fast path */
    mp_native_unmute();
    probed = -1;
    if (block)
        now.free(now.ctx, block);
    return probe_seen;
}

bool mp_hooks_are_installed(void)
{
    for (int i = 0; i < DOMAINS; i++)
        if (!is_installed((PyMemAllocatorDomain)i))
            return false;
    return true;
}

/* Which of our sets is before a domain's allocator, or SETS. */
static int set_of(const PyMemAllocatorEx *now, PyMemAllocatorDomain domain)
{
    int set = BARE;
    while (set >= 0 && now->malloc != hooks[set][domain].malloc)
        set--;
    return set < 0 ? SETS : set;
}

/* Others may be in the middle of a call of the raw domain's: with what they read of either, they get
   along. Ours has no use for the context. */
static void put(PyMemAllocatorDomain domain, enum set set)
{
    PyMemAllocatorEx ours = hooks[set][domain];
    ours.ctx = original[domain].ctx;
    if (!ours.free)
        ours.free = original[domain].free;
    PyMem_SetAllocator(domain, &ours);
}

static void install(PyMemAllocatorDomain domain, enum set set, bool is_pymalloc)
{
    PyMemAllocatorEx now;
    PyMem_GetAllocator(domain, &now);
    int is = set_of(&now, domain);
    if (is == SETS && is_installed(domain))
        return; /* below another tool's */
    if (is == SETS) {
        original[domain] = now;
        fast_path[domain] = is_pymalloc && domain != PYMEM_DOMAIN_RAW ? MP_LEDGER_SMALL : 0;
    } else if (is == BARE) {
        original[domain] = pymalloc[domain]; /* the tool that was between is gone */
    }
    put(domain, set);
}

void mp_hooks_end_fast_path(void)
{
    memset(fast_path, 0, sizeof fast_path);
    mp_hooks_see_ends();
}

static bool is_bare(PyMemAllocatorDomain domain)
{
    PyMemAllocatorEx now;
    PyMem_GetAllocator(domain, &now);
    return now.malloc == hooks[BARE][domain].malloc;
}

/* Where few are, which take so many bytes each; where pymalloc is behind our hooks alone, and where the ends of
   code objects are told by others than their free. */
static bool should_be_bare(void)
{
    PyMemAllocatorEx mem, object;
    PyMem_GetAllocator(PYMEM_DOMAIN_MEM, &mem);
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &object);
    return mp_recording.sample >= APART_PERIOD && !mp_recording.may_be_several &&
           fast_path[PYMEM_DOMAIN_MEM] && fast_path[PYMEM_DOMAIN_OBJ] &&
           set_of(&mem, PYMEM_DOMAIN_MEM) != SETS &&
           set_of(&object, PYMEM_DOMAIN_OBJ) != SETS && mp_code_ends_follow();
}

bool mp_hooks_see_ends(void)
{
    if (!mp_recording.sets_apart)
        return true;
    if (!is_bare(PYMEM_DOMAIN_MEM) || !is_bare(PYMEM_DOMAIN_OBJ))
        return false;
    put(PYMEM_DOMAIN_MEM, SAMPLING);
    put(PYMEM_DOMAIN_OBJ, SAMPLING);
    mp_recording.sets_apart = false;
    small = 0;
    return true;
}

void mp_hooks_install(void)
{
    bool is_pymalloc = mp_arenas_are_muted() && mp_arenas_are_pymallocs();
    mp_recording.sets_apart = false;
    small = 0;
    if (!mp_arenas_are_muted())
        mp_hooks_end_fast_path();
    for (int i = 0; i < DOMAINS; i++)
        install((PyMemAllocatorDomain)i, mp_recording.sample ? SAMPLING : EXACT,
                is_pymalloc);
    if (!should_be_bare())
        return;
    memcpy(pymalloc, original, sizeof pymalloc);
    small = MP_LEDGER_SMALL;
    mp_recording.sets_apart = true;
    mp_recording.see_ends = mp_hooks_see_ends;
    put(PYMEM_DOMAIN_MEM, BARE);
    put(PYMEM_DOMAIN_OBJ, BARE);
}
