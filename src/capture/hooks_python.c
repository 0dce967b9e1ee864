#include "capture/hooks_python.h"

#include <opcode.h>
#include <string.h>

#include "capture/hooks_python_arenas.h"
#include "capture/hooks_python_recording.h"

#define LOCAL static __thread __attribute__((tls_model("initial-exec")))

enum { DOMAINS = 3, INTERPRETER = 1 << 16 /* bytes: no interpreter's state is smaller */ };

/* While we look whether our hook is still before a domain's allocator: pymalloc's calls also reach
   the raw domain's. */
LOCAL int probed = -1;
LOCAL bool probe_seen;

static PyMemAllocatorEx original[DOMAINS];
/* Bytes: taking a block of up to so many calls nothing that is followed. */
static size_t quiet[DOMAINS];

/* Once sys.monitoring is in use, the interpreter prepares every code object at its first RESUME,
   also of code that nobody traces: not the program's bytes, nor the line's that calls it. */
static inline bool is_for_events(PyThreadState *thread, size_t size)
{
#if PY_VERSION_HEX >= 0x030C0000
    if (__builtin_expect(size != sizeof(_PyCoMonitoringData), 1) || !thread)
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

/* Whoever asks for mem or object blocks holds the lock: that is their contract. */
static inline enum mp_lock lock_of(PyMemAllocatorDomain domain)
{
    return domain == PYMEM_DOMAIN_RAW ? MP_LOCK_UNKNOWN : MP_LOCK_HELD;
}

static inline void tell_alloc(PyMemAllocatorDomain domain, void *address, size_t size)
{
    if (!mp_recording_wants(size))
        return;
    PyThreadState *thread;
    enum mp_turn_way way = mp_recording_enter(lock_of(domain), &thread);
    if (mp_recording_is_open() && !is_for_events(thread, size)) {
        struct mp_hooked *mine = mp_recording_mine();
        int kept = *mine->error;
        mp_recording_note(mine, thread, MP_HEAP_PYTHON, address, size);
        *mine->error = kept;
    }
    mp_recording_leave(way);
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
        tell_alloc(domain, address, size);
    mp_native_end();
    return address;
}

static inline void hook_free(PyMemAllocatorDomain domain, void *address)
{
    const PyMemAllocatorEx *to = &original[domain];
    bool followed = address && begin(domain);
    if (followed)
        mp_recording_free(lock_of(domain), MP_HEAP_PYTHON, address);
    to->free(to->ctx, address);
    if (followed)
        mp_native_end();
}

static inline void *hook_calloc(PyMemAllocatorDomain domain, size_t count, size_t size)
{
    const PyMemAllocatorEx *to = &original[domain];
    if (!begin(domain))
        return to->calloc(to->ctx, count, size);
    if (domain == PYMEM_DOMAIN_RAW && count * size >= INTERPRETER)
        mp_recording.may_be_several = true;
    void *address = to->calloc(to->ctx, count, size);
    if (address)
        tell_alloc(domain, address, count * size);
    mp_native_end();
    return address;
}

static inline void *hook_realloc(PyMemAllocatorDomain domain, void *from, size_t size)
{
    const PyMemAllocatorEx *to = &original[domain];
    enum mp_lock lock = lock_of(domain);
    if (!begin(domain))
        return to->realloc(to->ctx, from, size);
    struct mp_moving moving = {0};
    if (from)
        moving = mp_recording_take(lock, from);
    void *address = to->realloc(to->ctx, from, size);
    if (address)
        mp_recording_moved(lock, MP_HEAP_PYTHON, from, &moving, address, size);
    else if (from)
        mp_recording_put_back(lock, from, &moving);
    mp_native_end();
    return address;
}

/* Where only some blocks are recorded, most pass: functions of their own, which save no registers,
   and go on to pymalloc as if they were not there. Either set of hooks does what is right of either
   kind of recording, and of none. */

/* Of no bytes too: pymalloc takes it from malloc. */
static inline bool is_quiet(PyMemAllocatorDomain domain, size_t size)
{
    return size - 1 < quiet[domain];
}

/* Whether a block passes, and what it calls is not followed until mp_native_end(). */
static inline bool begin_passing(size_t size)
{
    if (mp_native_state || !mp_recording_passes(size))
        return false;
    mp_native_state = MP_NATIVE_INSIDE;
    return true;
}

static inline void *sampled_malloc(PyMemAllocatorDomain domain, void *context, size_t size,
                                   void *(*follow)(void *, size_t))
{
    const PyMemAllocatorEx *to = &original[domain];
    if (is_quiet(domain, size))
        return mp_recording_passes(size) ? to->malloc(to->ctx, size)
                                         : follow(context, size);
    if (!begin_passing(size))
        return follow(context, size);
    void *address = to->malloc(to->ctx, size);
    mp_native_end();
    return address;
}

static inline void *sampled_calloc(PyMemAllocatorDomain domain, void *context, size_t count,
                                   size_t size, void *(*follow)(void *, size_t, size_t))
{
    const PyMemAllocatorEx *to = &original[domain];
    if (is_quiet(domain, count * size) && mp_recording_passes(count * size))
        return to->calloc(to->ctx, count, size);
    return follow(context, count, size);
}

static inline void *sampled_realloc(PyMemAllocatorDomain domain, void *context, void *from,
                                    size_t size, void *(*follow)(void *, void *, size_t))
{
    const PyMemAllocatorEx *to = &original[domain];
    if (mp_recording_may_know(from) || !begin_passing(size))
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

/* The context is ours, not what the caller read: while another tool changes the allocators it may
   be another's. */
#define APART static __attribute__((noinline))
#define HOOKS_OF(domain)                                                           \
    APART void *malloc_##domain(void *context, size_t size)                        \
    {                                                                              \
        (void)context;                                                             \
        return hook_malloc(domain, size);                                          \
    }                                                                              \
    APART void *calloc_##domain(void *context, size_t count, size_t size)          \
    {                                                                              \
        (void)context;                                                             \
        return hook_calloc(domain, count, size);                                   \
    }                                                                              \
    APART void *realloc_##domain(void *context, void *from, size_t size)           \
    {                                                                              \
        (void)context;                                                             \
        return hook_realloc(domain, from, size);                                   \
    }                                                                              \
    APART void free_##domain(void *context, void *address)                         \
    {                                                                              \
        (void)context;                                                             \
        hook_free(domain, address);                                                \
    }                                                                              \
    static void *sampled_malloc_##domain(void *context, size_t size)               \
    {                                                                              \
        return sampled_malloc(domain, context, size, malloc_##domain);             \
    }                                                                              \
    static void *sampled_calloc_##domain(void *context, size_t count, size_t size) \
    {                                                                              \
        return sampled_calloc(domain, context, count, size, calloc_##domain);      \
    }                                                                              \
    static void *sampled_realloc_##domain(void *context, void *from, size_t size)  \
    {                                                                              \
        return sampled_realloc(domain, context, from, size, realloc_##domain);     \
    }                                                                              \
    static void sampled_free_##domain(void *context, void *address)                \
    {                                                                              \
        sampled_free(domain, context, address, free_##domain);                     \
    }

HOOKS_OF(PYMEM_DOMAIN_RAW)
HOOKS_OF(PYMEM_DOMAIN_MEM)
HOOKS_OF(PYMEM_DOMAIN_OBJ)

#define HOOKS(domain) \
    [domain] = {NULL, malloc_##domain, calloc_##domain, realloc_##domain, free_##domain}
#define SAMPLED(domain)                                                 \
    [domain] = {NULL, sampled_malloc_##domain, sampled_calloc_##domain, \
                sampled_realloc_##domain, sampled_free_##domain}

enum set { EXACT, SAMPLING };

static PyMemAllocatorEx hooks[][DOMAINS] = {
    [EXACT] = {HOOKS(PYMEM_DOMAIN_RAW), HOOKS(PYMEM_DOMAIN_MEM), HOOKS(PYMEM_DOMAIN_OBJ)},
    [SAMPLING] = {SAMPLED(PYMEM_DOMAIN_RAW), SAMPLED(PYMEM_DOMAIN_MEM),
                  SAMPLED(PYMEM_DOMAIN_OBJ)},
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
    void *block = now.malloc(now.ctx, MP_LEDGER_SMALL + 1); /* of which no hook is quiet */
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

static void install(PyMemAllocatorDomain domain, enum set set, bool is_pymalloc)
{
    PyMemAllocatorEx now;
    PyMem_GetAllocator(domain, &now);
    bool is_ours = now.malloc == hooks[EXACT][domain].malloc ||
                   now.malloc == hooks[SAMPLING][domain].malloc;
    if (!is_ours && is_installed(domain))
        return; /* below another tool's */
    if (!is_ours) {
        original[domain] = now;
        quiet[domain] = is_pymalloc && domain != PYMEM_DOMAIN_RAW ? MP_LEDGER_SMALL : 0;
    }
    PyMem_SetAllocator(domain, &hooks[set][domain]);
}

void mp_hooks_end_quiet(void)
{
    memset(quiet, 0, sizeof quiet);
}

void mp_hooks_install(void)
{
    bool is_pymalloc = mp_arenas_are_muted() && mp_arenas_are_pymallocs();
    if (!mp_arenas_are_muted())
        mp_hooks_end_quiet();
    for (int i = 0; i < DOMAINS; i++)
        install((PyMemAllocatorDomain)i, mp_recording.sample ? SAMPLING : EXACT,
                is_pymalloc);
}
