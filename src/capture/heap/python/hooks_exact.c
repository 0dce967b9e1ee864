#include "capture/heap/python/hooks_exact.h"

#include <opcode.h>

#include "capture/heap/python/usual.h"

enum { INTERPRETER = 1 << 16 /* bytes: no interpreter's state is smaller */ };

__thread int mp_hooks_probed MP_HOOKS_LOCAL = -1;
__thread bool mp_hooks_probe_seen MP_HOOKS_LOCAL;

PyMemAllocatorEx mp_hooks_before[MP_HOOKS_DOMAINS];
size_t mp_hooks_fast_path[MP_HOOKS_DOMAINS];

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

__attribute__((noinline)) void mp_hooks_report(PyMemAllocatorDomain domain, void *address,
                                               size_t size, enum mp_shadow_where where)
{
    if (!mp_recording_should_record(size))
        return;
    PyThreadState *thread;
    enum mp_biased_lock_way way = mp_recording_enter(mp_hooks_lock_of(domain), &thread);
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
        domain != PYMEM_DOMAIN_RAW && mp_hooks_have_fast_path(domain, size) &&
        !(may_be_for_events(size) && is_for_events(mp_thread_holding(), size)) &&
        mp_usual_alloc(address, size);
    if (__builtin_expect(!is_usual, 0))
        mp_hooks_report(domain, address, size, mp_hooks_where(domain, size));
}

static __attribute__((noinline)) void report_any_free(PyMemAllocatorDomain domain,
                                                      void *address)
{
    mp_recording_free(mp_hooks_lock_of(domain), MP_HEAP_PYTHON, address);
}

static inline void report_free(PyMemAllocatorDomain domain, void *address)
{
    bool is_usual = domain != PYMEM_DOMAIN_RAW && mp_usual_free(address);
    if (__builtin_expect(!is_usual, 0))
        report_any_free(domain, address);
}

static inline void *hook_malloc(PyMemAllocatorDomain domain, size_t size)
{
    const PyMemAllocatorEx *to = &mp_hooks_before[domain];
    if (!mp_hooks_begin(domain))
        return to->malloc(to->ctx, size);
    void *address = to->malloc(to->ctx, size);
    if (address)
        report_alloc(domain, address, size);
    if (mp_recording_owes_word())
        mp_recording_settle(mp_hooks_lock_of(domain));
    mp_native_end();
    return address;
}

static inline void hook_free(PyMemAllocatorDomain domain, void *address)
{
    const PyMemAllocatorEx *to = &mp_hooks_before[domain];
    bool followed = address && mp_hooks_begin(domain);
    if (followed)
        report_free(domain, address);
    to->free(to->ctx, address);
    if (followed && mp_recording_owes())
        mp_recording_settle(mp_hooks_lock_of(domain));
    if (followed)
        mp_native_end();
}

/* An interpreter is being made. */
static void note_another(void)
{
    mp_recording.may_be_several = true;
    if (mp_recording.see_ends)
        mp_recording.see_ends();
    mp_recording_look_if_usual();
}

static inline void *hook_calloc(PyMemAllocatorDomain domain, size_t count, size_t size)
{
    const PyMemAllocatorEx *to = &mp_hooks_before[domain];
    if (!mp_hooks_begin(domain))
        return to->calloc(to->ctx, count, size);
    if (domain == PYMEM_DOMAIN_RAW && count * size >= INTERPRETER)
        note_another();
    void *address = to->calloc(to->ctx, count, size);
    if (address)
        report_alloc(domain, address, count * size);
    mp_native_end();
    return address;
}

static inline void *hook_realloc(PyMemAllocatorDomain domain, void *from, size_t size)
{
    return mp_hooks_follow_realloc(domain, &mp_hooks_before[domain], from, size, NULL);
}

/* The context is ours, not what the caller read: while another tool changes the allocators it may
   be another's. */
#define ALONE __attribute__((noinline))
#define HOOKS_OF(domain)                                                           \
    ALONE void *mp_hooks_malloc_##domain(void *context, size_t size)               \
    {                                                                              \
        (void)context;                                                             \
        return hook_malloc(domain, size);                                          \
    }                                                                              \
    ALONE void *mp_hooks_calloc_##domain(void *context, size_t count, size_t size) \
    {                                                                              \
        (void)context;                                                             \
        return hook_calloc(domain, count, size);                                   \
    }                                                                              \
    ALONE void *mp_hooks_realloc_##domain(void *context, void *from, size_t size)  \
    {                                                                              \
        (void)context;                                                             \
        return hook_realloc(domain, from, size);                                   \
    }                                                                              \
    ALONE void mp_hooks_free_##domain(void *context, void *address)                \
    {                                                                              \
        (void)context;                                                             \
        hook_free(domain, address);                                                \
    }

HOOKS_OF(PYMEM_DOMAIN_RAW)
HOOKS_OF(PYMEM_DOMAIN_MEM)
HOOKS_OF(PYMEM_DOMAIN_OBJ)

const PyMemAllocatorEx mp_hooks_exact[MP_HOOKS_DOMAINS] = {
    MP_HOOKS_ROW(mp_hooks, PYMEM_DOMAIN_RAW), MP_HOOKS_ROW(mp_hooks, PYMEM_DOMAIN_MEM),
    MP_HOOKS_ROW(mp_hooks, PYMEM_DOMAIN_OBJ)};
