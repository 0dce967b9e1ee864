/* The capture that is being recorded: what the hooks of Python's allocators and those of malloc and
 * mmap share. One at a time in a process; a forked child does not record, the capture is its
 * parent's, until it starts one of its own.
 *
 *     a hook ─► enter: the biased lock ─► walk the frames ─► ledger ─► leave
 *
 * The functions here are the hot path; a caller has found the recording open and calls nothing of
 * Python's that could run code. errno stays as it was.
 */
#ifndef MP_CAPTURE_HEAP_PYTHON_RECORDING_H
#define MP_CAPTURE_HEAP_PYTHON_RECORDING_H

#include "capture/heap/frames/layout.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "capture/heap/accounting/biased_lock.h"
#include "capture/heap/accounting/flow.h"
#include "capture/heap/accounting/ledger.h"
#include "capture/heap/native/begin.h"
#include "capture/heap/native/maps.h"
#include "capture/heap/python/tags.h"
#include "capture/heap/python/threads.h"

struct mp_recording {
    int *open; /* enum mp_open, on a page that is empty in any forked child */
    struct mp_biased_lock lock;
    struct mp_walk walk;
    struct mp_ledger ledger;
    struct mp_maps maps; /* of the mmap family, while native memory is followed */
    struct mp_heap *heap;
    PyInterpreterState *home;
    bool may_be_several; /* interpreters, whose locks may be others */
    unsigned session;
    unsigned
        usual; /* `session` while mp_recording_look_if_usual() finds it so, else none */
    uint64_t sample;        /* bytes between samples; 0: every block is recorded */
    bool sets_apart;        /* small blocks that are recorded lie in no pool: the raw domain
                               sees their ends, and nobody those of others */
    bool (*see_ends)(void); /* ends that; whether it could */
    bool may_rest;          /* no block is recorded but while a recording inside is open, */
    bool awake;             /* or somebody reads the flow of a thread; */
    bool rests;             /* and now none is. Ends of known ones are, and mappings */
    pid_t owner;
    void (*settled)(void); /* called without locks behind mp_recording_settle(); or NULL */
};

enum mp_open { MP_OPEN = 1, MP_OPEN_NATIVE = 2 };

extern struct mp_recording mp_recording;
extern struct mp_counting_filter
    mp_recording_filter; /* in use where only some blocks are recorded */

/* Whether there is one interpreter, every block is recorded and the lock needs no fences. To be called where
   one of these changes. */
static inline void mp_recording_look_if_usual(void)
{
    bool usual = !mp_recording.may_be_several && !mp_recording.sample &&
                 !mp_recording.rests && !mp_recording.lock.fences;
    mp_recording.usual = usual ? mp_recording.session : UINT_MAX;
}

/* Whether the caller is known to hold the interpreter's lock. */
enum mp_lock { MP_LOCK_HELD, MP_LOCK_UNKNOWN };

static inline int mp_recording_is_open(void)
{
    return __builtin_expect(__atomic_load_n(mp_recording.open, __ATOMIC_ACQUIRE), 0);
}

/* Whether native memory is followed. */
static inline bool mp_recording_is_native(void)
{
    return mp_recording.open && mp_recording_is_open() & MP_OPEN_NATIVE;
}

/* The biased lock, for who has allocated. `*thread` is the state of a thread that holds our interpreter's
   lock, else NULL. */
static inline enum mp_biased_lock_way mp_recording_enter(enum mp_lock lock,
                                                         PyThreadState **thread)
{
    *thread = lock == MP_LOCK_HELD ? mp_thread_holding() : mp_thread_with_lock();
    if (__builtin_expect(*thread && (*thread)->interp == mp_recording.home, 1))
        return mp_biased_lock_enter(&mp_recording.lock);
    *thread = NULL;
    return mp_biased_lock_enter_other(&mp_recording.lock);
}

/* The same where the thread's state is of no use; about 1 ns when the lock is held. */
static inline enum mp_biased_lock_way mp_recording_enter_quickly(enum mp_lock lock)
{
    PyThreadState *thread;
    if (lock != MP_LOCK_HELD || __builtin_expect(mp_recording.may_be_several, 0))
        return mp_recording_enter(lock, &thread);
    return mp_biased_lock_enter(&mp_recording.lock);
}

static inline void mp_recording_leave(enum mp_biased_lock_way way)
{
    mp_biased_lock_leave(&mp_recording.lock, way);
}

/* With the biased lock. */
static inline struct mp_hooked *mp_recording_mine(void)
{
    return mp_hooked_mine(mp_recording.heap, &mp_recording.walk, mp_recording.session);
}

/* Where only some blocks are recorded: whether this one is certainly not, and then is counted.
   Where all are, none is skipped. */
static inline bool mp_recording_skips(size_t size)
{
    return mp_sample_skips(mp_hooked_sample, size);
}

bool mp_recording_hits(size_t size); /* of a block that is not skipped */

/* Whether a block is to be recorded. Asked once a block, without the biased lock. */
static inline bool mp_recording_should_record(size_t size)
{
    if (__builtin_expect(!mp_recording.sample, 1))
        return __builtin_expect(!mp_recording.rests, 1);
    return !mp_recording_skips(size) && mp_recording_hits(size);
}

/* Whether the block at an address may be known or watched. Without the biased lock. */
static inline bool mp_recording_may_know(const void *address)
{
    return __builtin_expect(!mp_recording.sample, 0) ||
           mp_counting_filter_may_hold(&mp_recording_filter, (uintptr_t)address);
}

/* The stack of a thread without frames: its name, called by its creator. With the biased lock. */
uint32_t mp_recording_label(struct mp_hooked *, enum mp_heap_kind);

/* The tag that the program set for what it does now is a border at the root of the stack: looked up where
   the context is another one, or changed. With both locks. */
void mp_recording_look_up_tag(struct mp_hooked *, PyThreadState *);

static inline void mp_recording_follow_tag(struct mp_hooked *mine, PyThreadState *thread)
{
    if (__builtin_expect(mine->context != thread->context ||
                             mine->context_version != thread->context_ver ||
                             mine->tag_changed ||
                             mine->walker.base != mp_recording.walk.root,
                         0))
        mp_recording_look_up_tag(mine, thread);
}

/* The stack to charge a block of Python's with, where a walk found none (0), or is to be made shorter. With
   the biased lock. */
uint32_t mp_recording_finish(struct mp_hooked *, PyThreadState *, uint32_t stack,
                             size_t size);

/* The calling thread's Python frames; 0: none. `thread` is NULL without the interpreter's lock:
   then only the thread's own state is safe. With the biased lock. */
static inline uint32_t mp_recording_where(struct mp_hooked *mine, PyThreadState *thread)
{
    PyThreadState *own = thread ? thread : PyGILState_GetThisThreadState();
    if (__builtin_expect(mp_tags_are_used, 0) && thread)
        mp_recording_follow_tag(mine, thread);
    return own ? mp_walk_thread(&mp_recording.walk, &mine->walker, own) : 0;
}

/* Where the end of an anchor would not be seen, walks do without: they are few. Not where they are long. */
bool mp_recording_may_anchor(struct mp_hooked *);

/* After a walk. With the biased lock. */
static inline void mp_recording_anchor(struct mp_hooked *mine, PyThreadState *thread,
                                       size_t size)
{
    if (__builtin_expect(mp_walker_needs_anchor(&mine->walker), 0) && thread &&
        mp_recording_may_anchor(mine)) {
        int64_t until = mine->sample.until;
        mp_walker_anchor(&mine->walker, thread, size);
        mine->sample.until = until; /* what is made for it is nobody's block */
    }
}

/* Where the calling thread is, and whom it asked for memory. With the biased lock. */
static inline uint32_t mp_recording_stack(struct mp_hooked *mine, PyThreadState *thread,
                                          enum mp_heap_kind kind, size_t size)
{
    uint32_t stack = mp_recording_where(mine, thread);
    if (__builtin_expect(!stack, 0))
        return mp_recording_label(mine, kind);
    mp_recording_anchor(mine, thread, size);
    return kind == MP_HEAP_PYTHON ? stack : mp_walk_kind(&mp_recording.walk, stack, kind);
}

/* It may be a temporary one. */
static inline void mp_recording_note_last(struct mp_hooked *mine, const void *address,
                                          uint32_t counts)
{
    mine->last_counts = counts;
    mine->last = (uintptr_t)address;
    mine->last_until = mine->sample.until;
}

/* A block was allocated. With the biased lock. */
static inline void mp_recording_note(struct mp_hooked *mine, PyThreadState *thread,
                                     enum mp_heap_kind kind, void *address, size_t size,
                                     enum mp_shadow_where where)
{
    if (__builtin_expect(mine->aside, 0))
        return;
    uint32_t stack = mp_recording_stack(mine, thread, kind, size);
    uint32_t counts = mp_ledger_add(&mp_recording.ledger, mine->totals, (uintptr_t)address,
                                    size, stack, where);
    mp_recording_note_last(mine, address, counts);
    if (kind == MP_HEAP_PYTHON)
        mp_flow_add(&mine->flow, size);
}

/* For how many blocks one counts if the calling thread allocated nothing since, else 0. */
static inline uint32_t mp_recording_last(const struct mp_hooked *mine, const void *address)
{
    bool is_last =
        mine->last == (uintptr_t)address && mine->last_until == mine->sample.until;
    return is_last ? mine->last_counts : 0;
}

/* Tells what was taken out, and whether the thread had allocated nothing since. With the biased lock. */
static inline void mp_recording_note_free(struct mp_hooked *mine, enum mp_heap_kind kind,
                                          const struct mp_block *block, void *address,
                                          bool may_be_temporary)
{
    if (__builtin_expect(block->watched, 0))
        mp_walk_forget(&mp_recording.walk, &mine->walker, (uintptr_t)address);
    if (!block->known)
        return;
    mp_ledger_remove(&mp_recording.ledger, mine->totals, (uintptr_t)address, block,
                     may_be_temporary ? mp_recording_last(mine, address) : 0);
    if (kind == MP_HEAP_PYTHON)
        mp_flow_remove(&mine->flow, block->size);
}

/* With the biased lock, after a change. */
static inline void mp_recording_note_change(void)
{
    if (__builtin_expect(mp_ledger_has_changed(&mp_recording.ledger), 0))
        mp_ledger_note_time(&mp_recording.ledger, false);
}

/* Before the block is given back: then another thread may own the address. Behind that, the caller
   asks mp_recording_owes(). */
static inline void mp_recording_free(enum mp_lock lock, enum mp_heap_kind kind,
                                     void *address)
{
    if (!mp_recording_may_know(address))
        return;
    enum mp_biased_lock_way way = mp_recording_enter_quickly(lock);
    if (mp_recording_is_open()) {
        struct mp_block block =
            mp_shadow_take(&mp_recording.ledger.shadow, (uintptr_t)address);
        if (block.known || block.watched) {
            struct mp_hooked *mine = mp_recording_mine();
            int kept = *mine->error;
            mp_recording_note_free(mine, kind, &block, address, true);
            mp_recording_note_change();
            *mine->error = kept;
        }
    }
    mp_recording_leave(way);
}

/* Whether mp_recording_settle() is due: the RSS is to be read once the block is given back, or somebody waits
   for a word. */
static inline bool mp_recording_owes(void)
{
    return __builtin_expect(mp_recording.ledger.owes, 0);
}

/* The same where no block is given back. */
static inline bool mp_recording_owes_word(void)
{
    return __builtin_expect(mp_recording.ledger.owes & MP_LEDGER_OWES_WORD, 0);
}

void mp_recording_settle(enum mp_lock);

/* A code object of our interpreter's dies. In the thread that holds the interpreter's lock. */
void mp_recording_code_ends(const void *code);

/* pymalloc gives an arena back. Not with the biased lock. */
void mp_recording_leave_arena(void *arena, size_t size);

/* A block that is being moved: its cell is taken out before, and put back if it stayed. */
struct mp_moving {
    struct mp_block block;
    unsigned session; /* another may have begun meanwhile, without this thread */
};

static inline struct mp_moving mp_recording_take(enum mp_lock lock, void *address)
{
    struct mp_moving moving = {0};
    if (!mp_recording_may_know(address))
        return moving;
    enum mp_biased_lock_way way = mp_recording_enter_quickly(lock);
    if (mp_recording_is_open()) {
        moving.block = mp_shadow_take(&mp_recording.ledger.shadow, (uintptr_t)address);
        moving.session = mp_recording.session;
    }
    mp_recording_leave(way);
    return moving;
}

void mp_recording_put_back(enum mp_lock, void *address, const struct mp_moving *);

/* `to` is NULL where the block is not to be recorded, or was freed by being made empty. */
static inline void mp_recording_moved(enum mp_lock lock, enum mp_heap_kind kind, void *from,
                                      const struct mp_moving *moving, void *to, size_t size,
                                      enum mp_shadow_where where)
{
    if (!to && !moving->block.known && !moving->block.watched)
        return;
    PyThreadState *thread;
    enum mp_biased_lock_way way = mp_recording_enter(lock, &thread);
    if (mp_recording_is_open()) {
        struct mp_hooked *mine = mp_recording_mine();
        int kept = *mine->error;
        if (moving->session == mp_recording.session)
            mp_recording_note_free(mine, kind, &moving->block, from, false);
        if (to)
            mp_recording_note(mine, thread, kind, to, size,
                              to == from ? MP_SHADOW_AS_BEFORE : where);
        mp_recording.ledger.owes &=
            ~(unsigned)MP_LEDGER_OWES_READING; /* it was given back before */
        mp_recording_note_change();
        *mine->error = kept;
    }
    mp_recording_leave(way);
}

#endif
