#include "capture/heap/python/threads.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/heap/frames/holding.h"

#define LOCAL static __thread __attribute__((tls_model("initial-exec")))

enum { PER_PAGES = 64 };

__thread struct mp_hooked *mp_hooked_own __attribute__((tls_model("initial-exec")));
static struct mp_sample no_sample;
__thread struct mp_sample *mp_hooked_sample __attribute__((tls_model("initial-exec"))) =
    &no_sample;
LOCAL bool is_over; /* our destructor ran in this thread */

static struct mp_hooked shared; /* for threads that are over, and when there is no memory */
static struct mp_hooked *unused, *stretches;
static int unused_taken;
static pthread_key_t key;

/* Not a mutex: a thread's end may meet a hook in another, never in itself. */
static void lock(void)
{
    while (__atomic_exchange_n(&unused_taken, 1, __ATOMIC_ACQUIRE))
        sched_yield();
}

static void unlock(void)
{
    __atomic_store_n(&unused_taken, 0, __ATOMIC_RELEASE);
}

static void give_back(void *of_thread)
{
    struct mp_hooked *hooked = of_thread;
    is_over = true;
    mp_hooked_own = NULL;
    mp_hooked_sample = &no_sample;
    lock();
    hooked->next = unused;
    unused = hooked;
    unlock();
}

int mp_hooked_init(void)
{
    int failed = pthread_key_create(&key, give_back);
    if (failed)
        errno = failed;
    return failed ? -1 : 0;
}

void mp_hooked_forked(void)
{
    unlock();
}

static void add_unused(void)
{
    struct mp_hooked *more = mmap(NULL, PER_PAGES * sizeof *more, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (more == MAP_FAILED)
        return;
    for (int i = 0; i < PER_PAGES; i++) {
        more[i].next = unused;
        unused = &more[i];
    }
    more->more = stretches;
    stretches = more;
}

/* A thread without the interpreter's lock may be counting at this moment: it then skips on until its
   next hit. */
void mp_hooked_end_skipping(void)
{
    lock();
    for (struct mp_hooked *first = stretches; first; first = first->more)
        for (int i = 0; i < PER_PAGES; i++)
            __atomic_store_n(&first[i].sample.until, 0, __ATOMIC_RELAXED);
    unlock();
}

static struct mp_hooked *take(void)
{
    lock();
    if (!unused)
        add_unused();
    struct mp_hooked *taken = unused;
    if (taken)
        unused = taken->next;
    unlock();
    return taken;
}

static struct mp_heap_thread *new_totals(struct mp_heap *heap)
{
    if (is_over || mp_heap_reserve(heap, MP_HEAP_THREADS, 1, MP_HEAP_FOR_PROGRAM))
        return heap->threads;
    uint64_t id = heap->header->counts[MP_HEAP_THREADS];
    heap->threads[id].id = gettid();
    __atomic_store_n(&heap->header->counts[MP_HEAP_THREADS], id + 1, __ATOMIC_RELEASE);
    return &heap->threads[id];
}

/* A thread's second look at a session, or a thread that was given another's place. */
static void begin(struct mp_hooked *hooked, struct mp_heap *heap,
                  const struct mp_walk *walk, unsigned session)
{
    mp_walker_begin(walk, &hooked->walker);
    hooked->last = 0;
    hooked->tag_changed = true;
    hooked->label = 0;
    hooked->totals = new_totals(heap);
    uint64_t seed = (uint64_t)heap->header->wall_start + (uint64_t)gettid();
    mp_sample_begin(&hooked->sample, heap->header->sample, seed);
    hooked->session = session;
}

static struct mp_hooked *find(void)
{
    if (is_over)
        return &shared;
    struct mp_hooked *hooked = take();
    if (!hooked || pthread_setspecific(key, hooked))
        return &shared;
    hooked->session = 0;
    hooked->flow = (struct mp_flow){0};
    hooked->aside = false;
    hooked->sample.until = 0;
    mp_hooked_sample = &hooked->sample;
    return mp_hooked_own = hooked;
}

struct mp_hooked *mp_hooked_ask(void)
{
    struct mp_hooked *hooked = mp_hooked_own ? mp_hooked_own : find();
    return hooked == &shared ? NULL : hooked;
}

struct mp_hooked *mp_hooked_begin(struct mp_heap *heap, const struct mp_walk *walk,
                                  unsigned session)
{
    int kept = errno;
    struct mp_hooked *hooked = mp_hooked_own ? mp_hooked_own : find();
    if (hooked->session != session)
        begin(hooked, heap, walk, session);
    hooked->error = &errno;
    hooked->holding = mp_holding_mine();
    errno = kept;
    return hooked;
}
