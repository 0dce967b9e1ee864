/* The accounts of a heap capture: what each allocation and each free changes. Exact, O(1).
 *
 *     a new maximum     epoch++, which makes every node's `live` its value at the peak
 *     more, and more    the peak rises with it: nothing has been given back since
 *     first change of   the value from before is saved in `at_peak`, and the node has the
 *     a node since      new epoch
 *
 * One thread at a time; the caller has a lock. Allocates with mmap only.
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_LEDGER_H
#define MP_CAPTURE_HEAP_ACCOUNTING_LEDGER_H

#include <stdbool.h>

#include "capture/heap/accounting/large.h"
#include "capture/heap/accounting/moments.h"
#include "capture/heap/accounting/nest.h"
#include "capture/heap/accounting/sample.h"
#include "capture/heap/accounting/shadow.h"
#include "capture/heap/accounting/stacks.h"
#include "capture/heap/accounting/throttle.h"
#include "capture/process/meter.h"
#include "record/heap.h"

enum {
    MP_LEDGER_LOOK = 256,  /* a thread's allocations between readings of the clock */
    MP_LEDGER_SMALL = 512, /* pymalloc's blocks are at most so large */
};

_Static_assert((size_t)MP_HEAP_CHUNKS *MP_HEAP_CHUNK / sizeof(struct mp_heap_node) <
                   MP_SHADOW_STACKS,
               "the shadow takes the number of every node that a file can have");

/* What is to be done by the next one that comes out of a hook. */
enum mp_ledger_owes {
    MP_LEDGER_OWES_READING = 1, /* once the block that ends now is given back */
    MP_LEDGER_OWES_WORD = 2     /* to who waits for somebody without the biased lock */
};

struct mp_ledger {
    struct mp_heap *heap; /* borrowed */
    struct mp_shadow shadow;
    struct mp_stacks stacks;
    struct mp_meter meter;
    int64_t start;               /* monotonic, ns */
    int64_t timed_peak;          /* the peak whose time is known */
    int64_t noted_live;          /* of the last point of the time series */
    int64_t rss;                 /* the latest reading, */
    int64_t heap_then;           /* and what was live */
    int64_t next_due;            /* a reading that is due, ns since the start */
    struct mp_throttle throttle; /* of readings between two of these */
    unsigned owes;               /* enum mp_ledger_owes */
    bool rises;     /* what is live is the peak, and each block more a new one */
    int64_t small;  /* bytes live in small blocks of Python's allocators */
    int64_t mapped; /* bytes live in mappings */
    uint64_t draws; /* of mp_sample_weight() */
    struct mp_large large;
    uintptr_t
        leaving; /* a large block that is in the heap and in no table any more; 0: none */
    size_t leaving_size;
    struct mp_moments moments;
    struct mp_nest *nest; /* borrowed: the innermost open recording inside; NULL: none */
    int64_t most;         /* bytes that may be live, */
    void (*exceeded)(
        struct mp_ledger *); /* else this is called at a reading of the clock; or NULL */
    /* Told of each reading of the clock, NULL: nobody; `point`: the series has a new one. */
    void (*noted)(struct mp_ledger *, int64_t now, bool point);
};

/* Opens the accounts of an empty capture. `filter` as in mp_shadow_init(). 0, or -1 with errno. */
int mp_ledger_init(struct mp_ledger *, struct mp_heap *, struct mp_counting_filter *filter);
void mp_ledger_release(struct mp_ledger *);

/* Reads the clock, adds a point to the time series and dates the peak; reads the meter where a
   reading is due, or with `point` anyway. Also when mp_ledger_has_changed(). */
void mp_ledger_note_time(struct mp_ledger *, bool point);

/* The same after a block, one that is large or one of many. */
void mp_ledger_look(struct mp_ledger *, uintptr_t address, size_t size);

/* The same before a large block ends, which may have been the peak: it is over then. `bytes`: what
   it counts for. */
void mp_ledger_note_end(struct mp_ledger *, uintptr_t address, size_t size, uint64_t bytes);

/* After the end of a block for which a reading is owed. */
void mp_ledger_settle(struct mp_ledger *);

/* Opens a recording inside those that are, from this node on. NULL with errno where there is no
   memory. */
struct mp_nest *mp_ledger_open_nest(struct mp_ledger *, uint32_t first,
                                    const struct mp_nest_terms *);

/* It is none of the open ones any more; its figures stand. */
void mp_ledger_close_nest(struct mp_ledger *, struct mp_nest *);

/* Bytes of mappings that a stack has more, or less. They are no blocks: their ends are not those
   of one call. The caller notes the time before, and the change after. */
void mp_ledger_map(struct mp_ledger *, struct mp_heap_thread *, uint32_t stack,
                   int64_t bytes);

/* Takes a mark of this name, a piece of it at each call, so that the lock can be given back in between.
   `*scan` is 0 at first. Returns whether it is to be called again; then or not, `*scan` is 0 where the
   mark was not taken: there is no room for it. */
bool mp_ledger_mark(struct mp_ledger *, const char *name, size_t length, uint32_t *scan);

/* The recording ends: what is left of its moments and marks is taken. */
void mp_ledger_end_moments(struct mp_ledger *);

/* Before a node's counters change, where somebody wants to know. */
void mp_ledger_tell(struct mp_ledger *, uint32_t stack, int64_t bytes);

/* Before a node changes: keeps its values at the peak. */
static inline void mp_ledger_save(struct mp_heap_node *node, uint32_t epoch)
{
    if (node->epoch == epoch)
        return;
    node->at_peak = node->live;
    node->at_peak_blocks = node->live_blocks;
    node->epoch = epoch;
}

/* A node has more bytes from here on, or less. The moment of the peak is the first at which all have as many: a
   block of no bytes is behind it. */
static inline void mp_ledger_raise(struct mp_ledger *ledger, struct mp_heap_header *header,
                                   struct mp_heap_node *node, int64_t bytes)
{
    bool rose = ledger->rises;
    if (!rose || bytes <= 0)
        mp_ledger_save(node, header->epoch);
    node->live += bytes;
    int64_t live = header->live + bytes;
    header->live = live;
    ledger->rises = live > header->peak;
    if (live > header->peak) {
        header->epoch += !rose;
        header->peak = live;
    }
}

/* Whether the time series no longer says what is live. To be asked after every change: the program
   may do nothing else for hours. Less than 1 ns. */
static inline bool mp_ledger_differs(const struct mp_ledger *ledger, int64_t live)
{
    int64_t more = live - ledger->noted_live;
    return (uint64_t)(more + MP_LEDGER_LARGE - 1) > 2 * (MP_LEDGER_LARGE - 1);
}

static inline bool mp_ledger_has_changed(const struct mp_ledger *ledger)
{
    return mp_ledger_differs(ledger, ledger->heap->header->live);
}

/* What a block counts for where only some are recorded; `draw` as in mp_sample_weight(). */
static inline struct mp_weight mp_ledger_weight(const struct mp_ledger *ledger,
                                                uintptr_t address, size_t size,
                                                uint64_t draw)
{
    return mp_sample_weight(ledger->heap->header->sample, address, size, draw);
}

/* Where all are recorded. */
static inline struct mp_weight mp_ledger_whole(size_t size)
{
    return (struct mp_weight){.bytes = size, .alive = 1, .counted = 1};
}

/* What a block adds to the small ones. */
static inline int64_t mp_ledger_small(const struct mp_heap_node *node, size_t size,
                                      uint64_t bytes)
{
    bool small = size <= MP_LEDGER_SMALL && mp_heap_kind(node) == MP_HEAP_PYTHON;
    return small ? (int64_t)bytes : 0;
}

/* Before a node's counters change. Less than 1 ns where nobody wants to know. */
static inline void mp_ledger_may_tell(struct mp_ledger *ledger,
                                      const struct mp_heap_header *header, uint32_t stack,
                                      int64_t bytes)
{
    if (__builtin_expect(__atomic_load_n(&header->tell, __ATOMIC_RELAXED) != 0, 0))
        mp_ledger_tell(ledger, stack, bytes);
}

/* Has the shadow know a block; where there is no memory for that it is counted, and false comes back. */
static inline bool mp_ledger_know(struct mp_ledger *ledger, uintptr_t address, size_t size,
                                  uint32_t stack, enum mp_shadow_where where)
{
    if (__builtin_expect(!mp_shadow_put(&ledger->shadow, address, size, stack, where), 1))
        return true;
    ledger->heap->header->untracked++;
    ledger->heap->header->untracked_bytes += size;
    return false;
}

/* What mp_ledger_add() does once the shadow knows the block. `small`: what it adds to the small ones. */
static inline uint32_t mp_ledger_count(struct mp_ledger *ledger,
                                       struct mp_heap_thread *thread, uintptr_t address,
                                       size_t size, uint32_t stack, struct mp_weight weight,
                                       int64_t small)
{
    struct mp_heap_header *header = ledger->heap->header;
    struct mp_heap_node *node = &ledger->heap->nodes[stack];
    mp_ledger_may_tell(ledger, header, stack, (int64_t)weight.bytes);
    mp_ledger_raise(ledger, header, node, (int64_t)weight.bytes);
    node->live_blocks += weight.alive;
    node->total += weight.bytes;
    node->blocks += weight.counted;
    thread->allocated += weight.bytes;
    thread->blocks += weight.counted;
    ledger->small += small;
    if (__builtin_expect(!(thread->blocks % MP_LEDGER_LOOK) ||
                             weight.bytes >= MP_LEDGER_LARGE ||
                             mp_ledger_differs(ledger, header->live),
                         0))
        mp_ledger_look(ledger, address, size);
    return weight.counted;
}

/* The same of a block that stands for others. */
uint32_t mp_ledger_count_sampled(struct mp_ledger *, struct mp_heap_thread *,
                                 uintptr_t address, size_t size, uint32_t stack);

/* A block was allocated. Returns for how many it counts. About 5 ns. */
static inline uint32_t mp_ledger_add(struct mp_ledger *ledger,
                                     struct mp_heap_thread *thread, uintptr_t address,
                                     size_t size, uint32_t stack,
                                     enum mp_shadow_where where)
{
    if (!mp_ledger_know(ledger, address, size, stack, where))
        return 0;
    if (__builtin_expect(ledger->heap->header->sample != 0, 0))
        return mp_ledger_count_sampled(ledger, thread, address, size, stack);
    return mp_ledger_count(ledger, thread, address, size, stack, mp_ledger_whole(size),
                           mp_ledger_small(&ledger->heap->nodes[stack], size, size));
}

/* What mp_ledger_remove() does, of a block that counts for so much. */
static inline void mp_ledger_discount(struct mp_ledger *ledger,
                                      struct mp_heap_thread *thread, uintptr_t address,
                                      const struct mp_block *block, uint32_t temporary,
                                      struct mp_weight weight, int64_t small)
{
    struct mp_heap_header *header = ledger->heap->header;
    struct mp_heap_node *node = &ledger->heap->nodes[block->stack];
    if (__builtin_expect(weight.bytes >= MP_LEDGER_LARGE, 0))
        mp_ledger_note_end(ledger, address, block->size, weight.bytes);
    mp_ledger_may_tell(ledger, header, block->stack, -(int64_t)weight.bytes);
    mp_ledger_save(node, header->epoch);
    ledger->rises = false;
    node->live -= (int64_t)weight.bytes;
    node->live_blocks -= weight.alive;
    ledger->small -= small;
    header->live -= (int64_t)weight.bytes;
    thread->freed += weight.bytes;
    thread->frees += temporary ? temporary : weight.counted;
    if (temporary) {
        node->temporary += temporary;
        thread->temporary += temporary;
    }
}

void mp_ledger_discount_sampled(struct mp_ledger *, struct mp_heap_thread *,
                                uintptr_t address, const struct mp_block *,
                                uint32_t temporary);

/* A block that mp_shadow_take() knew was freed; `temporary`: what mp_ledger_add() returned of it,
   when that was its thread's last one, else 0. A large one dates the peak before it is over; what
   is left is noted by the caller, who knows whether the block ends or moves. */
static inline void mp_ledger_remove(struct mp_ledger *ledger, struct mp_heap_thread *thread,
                                    uintptr_t address, const struct mp_block *block,
                                    uint32_t temporary)
{
    if (__builtin_expect(ledger->heap->header->sample != 0, 0))
        mp_ledger_discount_sampled(ledger, thread, address, block, temporary);
    else
        mp_ledger_discount(
            ledger, thread, address, block, temporary, mp_ledger_whole(block->size),
            mp_ledger_small(&ledger->heap->nodes[block->stack], block->size, block->size));
}

#endif
