#include "capture/frames_layout.h"

#include "capture/hooks_python.h"

#include <errno.h>
#include <opcode.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/hooks_python_threads.h"
#include "capture/ledger.h"
#include "capture/turn.h"

#define LOCAL static __thread __attribute__((tls_model("initial-exec")))

enum { DOMAINS = 3, INTERPRETER = 1 << 16 /* bytes: no interpreter's state is smaller */ };

LOCAL bool is_inside; /* a hook or its allocator runs: what it allocates is its own */
LOCAL const bool *probe_wants; /* set while we look whether the hooks are still in place */
LOCAL bool probe_seen;

static PyMemAllocatorEx original[DOMAINS];
static int *open_flag; /* on a page that is empty in any forked child */
static struct mp_turn turn;
static struct mp_walk walk;
static struct mp_ledger ledger;
static struct mp_heap *heap;
static PyInterpreterState *home;
static bool may_be_several; /* interpreters, whose locks may be others */
static unsigned session;
static pid_t owner;

static inline bool is_open(void)
{
    return __builtin_expect(__atomic_load_n(open_flag, __ATOMIC_ACQUIRE), 0);
}

bool mp_hooks_are_open(void)
{
    return open_flag && is_open();
}

/* The turn, for who has allocated. `*thread` is the state of a thread that holds our interpreter's
   lock, else NULL. */
static inline enum mp_turn_way enter(PyMemAllocatorDomain domain, PyThreadState **thread)
{
    *thread = domain == PYMEM_DOMAIN_RAW ? mp_thread_with_lock() : mp_thread_holding();
    if (__builtin_expect(*thread && (*thread)->interp == home, 1))
        return mp_turn_enter(&turn);
    *thread = NULL;
    return mp_turn_enter_other(&turn);
}

/* The same where the thread's state is of no use; about 1 ns. */
static inline enum mp_turn_way enter_quickly(PyMemAllocatorDomain domain)
{
    PyThreadState *thread;
    if (domain == PYMEM_DOMAIN_RAW || __builtin_expect(may_be_several, 0))
        return enter(domain, &thread);
    return mp_turn_enter(&turn);
}

/* `thread` is NULL without the interpreter's lock: then only the thread's own state is safe. */
static inline uint32_t stack_of(struct mp_hooked *mine, PyThreadState *thread, size_t size)
{
    PyThreadState *own = thread ? thread : PyGILState_GetThisThreadState();
    uint32_t stack = own ? mp_walk_thread(&walk, &mine->walker, own) : 0;
    if (__builtin_expect(mp_walker_wants_anchor(&mine->walker), 0) && thread)
        mp_walker_anchor(&mine->walker, thread, size);
    return stack;
}

static inline void note_alloc(struct mp_hooked *mine, PyThreadState *thread, void *address,
                              size_t size)
{
    if (__builtin_expect(mine->aside, 0))
        return;
    uint32_t stack = stack_of(mine, thread, size);
    mp_ledger_add(&ledger, mine->totals, (uintptr_t)address, size, stack);
    mp_flow_add(&mine->flow, size);
    mine->last = (uintptr_t)address;
}

/* Tells what was taken, and whether the thread had allocated nothing since. */
static inline void note_free(struct mp_hooked *mine, const struct mp_block *block,
                             void *address, bool may_be_temporary)
{
    if (__builtin_expect(block->watched, 0))
        mp_walk_forget(&walk, &mine->walker, (uintptr_t)address);
    if (!block->known)
        return;
    mp_ledger_remove(&ledger, mine->totals, block,
                     may_be_temporary && mine->last == (uintptr_t)address);
    mp_flow_remove(&mine->flow, block->size);
}

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

static inline void tell_alloc(PyMemAllocatorDomain domain, void *address, size_t size)
{
    PyThreadState *thread;
    enum mp_turn_way way = enter(domain, &thread);
    if (is_open() && !is_for_events(thread, size)) {
        struct mp_hooked *mine = mp_hooked_mine(heap, &walk, session);
        int kept = *mine->error;
        note_alloc(mine, thread, address, size);
        *mine->error = kept;
    }
    mp_turn_leave(&turn, way);
}

/* Before the block is given back: then another thread may own the address. */
static inline void tell_free(PyMemAllocatorDomain domain, void *address)
{
    enum mp_turn_way way = enter_quickly(domain);
    if (is_open()) {
        struct mp_block block = mp_shadow_take(&ledger.shadow, (uintptr_t)address);
        if (block.known || block.watched) {
            struct mp_hooked *mine = mp_hooked_mine(heap, &walk, session);
            int kept = *mine->error;
            note_free(mine, &block, address, true);
            *mine->error = kept;
        }
    }
    mp_turn_leave(&turn, way);
}

/* A block that is being moved: its cell is taken out before, and put back if it stayed. */
struct moving {
    struct mp_block block;
    unsigned session; /* another may have begun meanwhile, without this thread */
};

static inline struct moving take_out(PyMemAllocatorDomain domain, void *address)
{
    struct moving moving = {0};
    enum mp_turn_way way = enter_quickly(domain);
    if (is_open()) {
        moving.block = mp_shadow_take(&ledger.shadow, (uintptr_t)address);
        moving.session = session;
    }
    mp_turn_leave(&turn, way);
    return moving;
}

static void put_back(PyMemAllocatorDomain domain, void *address,
                     const struct moving *moving)
{
    int kept = errno;
    const struct mp_block *block = &moving->block;
    enum mp_turn_way way = enter_quickly(domain);
    bool same = is_open() && moving->session == session;
    if (same && block->known)
        mp_shadow_put(&ledger.shadow, (uintptr_t)address, block->size, block->stack);
    if (same && block->watched)
        mp_shadow_watch(&ledger.shadow, (uintptr_t)address);
    mp_turn_leave(&turn, way);
    errno = kept;
}

static inline void tell_moved(PyMemAllocatorDomain domain, void *from,
                              const struct moving *moving, void *to, size_t size)
{
    PyThreadState *thread;
    enum mp_turn_way way = enter(domain, &thread);
    if (is_open()) {
        struct mp_hooked *mine = mp_hooked_mine(heap, &walk, session);
        int kept = *mine->error;
        if (moving->session == session)
            note_free(mine, &moving->block, from, false);
        note_alloc(mine, thread, to, size);
        *mine->error = kept;
    }
    mp_turn_leave(&turn, way);
}

/* Whether this call is to be followed. While it is, nothing inside it is. */
static inline bool begin(void)
{
    if (__builtin_expect(probe_wants != NULL, 0))
        probe_seen = true;
    if (!is_open() || is_inside)
        return false;
    return is_inside = true;
}

static inline void end(void)
{
    is_inside = false;
}

static inline void *hook_malloc(PyMemAllocatorDomain domain, size_t size)
{
    const PyMemAllocatorEx *to = &original[domain];
    if (!begin())
        return to->malloc(to->ctx, size);
    void *address = to->malloc(to->ctx, size);
    if (address)
        tell_alloc(domain, address, size);
    end();
    return address;
}

static inline void *hook_calloc(PyMemAllocatorDomain domain, size_t count, size_t size)
{
    const PyMemAllocatorEx *to = &original[domain];
    if (!begin())
        return to->calloc(to->ctx, count, size);
    if (domain == PYMEM_DOMAIN_RAW && count * size >= INTERPRETER)
        may_be_several = true;
    void *address = to->calloc(to->ctx, count, size);
    if (address)
        tell_alloc(domain, address, count * size);
    end();
    return address;
}

static inline void *hook_realloc(PyMemAllocatorDomain domain, void *from, size_t size)
{
    const PyMemAllocatorEx *to = &original[domain];
    if (!begin())
        return to->realloc(to->ctx, from, size);
    struct moving moving = from ? take_out(domain, from) : (struct moving){0};
    void *address = to->realloc(to->ctx, from, size);
    if (address)
        tell_moved(domain, from, &moving, address, size);
    else if (from)
        put_back(domain, from, &moving);
    end();
    return address;
}

static inline void hook_free(PyMemAllocatorDomain domain, void *address)
{
    const PyMemAllocatorEx *to = &original[domain];
    bool followed = address && begin();
    if (followed)
        tell_free(domain, address);
    to->free(to->ctx, address);
    if (followed)
        end();
}

/* The context is ours, not what the caller read: while another tool changes the allocators it may
   be another's. */
#define HOOKS_OF(domain)                                                   \
    static void *malloc_##domain(void *context, size_t size)               \
    {                                                                      \
        (void)context;                                                     \
        return hook_malloc(domain, size);                                  \
    }                                                                      \
    static void *calloc_##domain(void *context, size_t count, size_t size) \
    {                                                                      \
        (void)context;                                                     \
        return hook_calloc(domain, count, size);                           \
    }                                                                      \
    static void *realloc_##domain(void *context, void *from, size_t size)  \
    {                                                                      \
        (void)context;                                                     \
        return hook_realloc(domain, from, size);                           \
    }                                                                      \
    static void free_##domain(void *context, void *address)                \
    {                                                                      \
        (void)context;                                                     \
        hook_free(domain, address);                                        \
    }

HOOKS_OF(PYMEM_DOMAIN_RAW)
HOOKS_OF(PYMEM_DOMAIN_MEM)
HOOKS_OF(PYMEM_DOMAIN_OBJ)

#define HOOKS(domain) \
    [domain] = {NULL, malloc_##domain, calloc_##domain, realloc_##domain, free_##domain}

static PyMemAllocatorEx hooks[DOMAINS] = {
    HOOKS(PYMEM_DOMAIN_RAW),
    HOOKS(PYMEM_DOMAIN_MEM),
    HOOKS(PYMEM_DOMAIN_OBJ),
};

/* Whether an allocation reaches our hook: another tool may have put back what it found. */
static bool is_installed(PyMemAllocatorDomain domain)
{
    PyMemAllocatorEx now;
    PyMem_GetAllocator(domain, &now);
    if (!original[domain].malloc)
        return false;
    probe_seen = false;
    probe_wants = &probe_seen;
    void *block = now.malloc(now.ctx, 1);
    probe_wants = NULL;
    if (block)
        now.free(now.ctx, block);
    return probe_seen;
}

static void install(void)
{
    for (int i = 0; i < DOMAINS; i++) {
        PyMemAllocatorDomain domain = (PyMemAllocatorDomain)i;
        if (is_installed(domain))
            continue;
        PyMem_GetAllocator(domain, &original[domain]);
        PyMem_SetAllocator(domain, &hooks[domain]);
    }
}

static void close_in_child(void)
{
    *open_flag = 0;
    is_inside = false;
    mp_turn_init(&turn);
    mp_hooked_forked();
}

/* Once per process. A child of clone(2) without the fork handlers finds the page empty. */
static int prepare(void)
{
    long page = sysconf(_SC_PAGESIZE);
    if (open_flag)
        return 0;
    mp_turn_init(&turn);
    if (mp_hooked_init())
        return -1;
    void *flag = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (flag == MAP_FAILED)
        return -1;
    madvise(flag, (size_t)page, MADV_WIPEONFORK);
    open_flag = flag;
    return pthread_atfork(NULL, NULL, close_in_child) ? -1 : 0;
}

int mp_hooks_start(struct mp_heap *into)
{
    if (prepare())
        return -1;
    if (is_open()) {
        errno = EBUSY;
        return -1;
    }
    if (mp_ledger_init(&ledger, into))
        return -1;
    if (mp_walk_init(&walk, &ledger.stacks, &ledger.shadow)) {
        mp_ledger_release(&ledger);
        return -1;
    }
    heap = into;
    home = PyThreadState_Get()->interp;
    may_be_several = PyInterpreterState_Next(PyInterpreterState_Head()) != NULL;
    owner = getpid();
    session++;
    install();
    __atomic_store_n(open_flag, 1, __ATOMIC_RELEASE);
    return 0;
}

void mp_hooks_stop(void)
{
    if (!mp_hooks_are_open() || owner != getpid())
        return;
    mp_turn_enter_other(&turn);
    __atomic_store_n(open_flag, 0, __ATOMIC_RELEASE);
    mp_ledger_note_time(&ledger, true);
    mp_walk_release(&walk);
    mp_ledger_release(&ledger);
    heap = NULL;
    mp_turn_leave_other(&turn);
}

void mp_hooks_pause(void (*look)(void *), void *context)
{
    mp_turn_enter_other(&turn);
    look(context);
    mp_turn_leave_other(&turn);
}

static struct mp_hooked *own(void)
{
    return open_flag ? mp_hooked_ask() : NULL;
}

struct mp_flow *mp_hooks_flow(void)
{
    struct mp_hooked *mine = own();
    return mine ? &mine->flow : NULL;
}

bool mp_hooks_set_aside(bool aside)
{
    struct mp_hooked *mine = own();
    if (!mine)
        return false;
    bool was = mine->aside;
    mine->aside = aside;
    return was;
}

void mp_hooks_disown(void *address)
{
    if (!address || !mp_hooks_are_open())
        return;
    enum mp_turn_way way = mp_turn_enter(&turn);
    struct mp_block block = {0};
    if (is_open())
        block = mp_shadow_take(&ledger.shadow, (uintptr_t)address);
    if (block.known) {
        struct mp_hooked *mine = mp_hooked_mine(heap, &walk, session);
        mp_ledger_remove(&ledger, mine->totals, &block, true);
        mp_flow_disown(&mine->flow, block.size);
    }
    mp_turn_leave(&turn, way);
}
