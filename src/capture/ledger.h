/* The books of a heap capture: what each allocation and each free changes. Exact, O(1).
 *
 *     a new maximum     epoch++, which makes every node's `live` its value at the peak
 *     first change of   the value from before is saved in `at_peak`, and the node has the
 *     a node since      new epoch
 *
 * One thread at a time; the caller has a lock. Allocates with mmap only.
 */
#ifndef MP_CAPTURE_LEDGER_H
#define MP_CAPTURE_LEDGER_H

#include <stdbool.h>

#include "capture/large.h"
#include "capture/meter.h"
#include "capture/sample.h"
#include "capture/shadow.h"
#include "capture/stacks.h"
#include "record/heap.h"

enum {
    MP_LEDGER_LOOK = 256,      /* a thread's allocations between readings of the clock */
    MP_LEDGER_LARGE = 1 << 16, /* bytes that are worth a reading */
    MP_LEDGER_SMALL = 512,     /* pymalloc's blocks are at most so large */
};

struct mp_ledger {
    struct mp_heap *heap; /* borrowed */
    struct mp_shadow shadow;
    struct mp_stacks stacks;
    struct mp_meter meter;
    int64_t start;      /* monotonic, ns */
    int64_t next_point; /* of the time series, ns since the start */
    int64_t timed_peak; /* the peak whose time is known */
    int64_t small;      /* bytes live in small blocks of Python's allocators */
    int64_t mapped;     /* bytes live in mappings */
    uint64_t draws;     /* of mp_sample_weight() */
    struct mp_large large;
    /* Told of each reading of the clock, NULL: nobody; `point`: the series has a new one. */
    void (*noted)(struct mp_ledger *, int64_t now, bool point);
};

/* Opens the books of an empty capture. `sieve` as in mp_shadow_init(). 0, or -1 with errno. */
int mp_ledger_init(struct mp_ledger *, struct mp_heap *, struct mp_sieve *sieve);
void mp_ledger_release(struct mp_ledger *);

/* Reads the clock and the meter for the time series, and dates the peak. */
void mp_ledger_note_time(struct mp_ledger *, bool point);

/* The same after a block, one that is large or one of many. */
void mp_ledger_look(struct mp_ledger *, uintptr_t address, size_t size);

/* Bytes of mappings that a stack has more, or less. They are no blocks: their ends are not those
   of one call. The caller has noted the time before. */
void mp_ledger_map(struct mp_ledger *, struct mp_heap_thread *, uint32_t stack,
                   int64_t bytes);

/* Before a node changes: keeps its values at the peak. */
static inline void mp_ledger_save(struct mp_heap_node *node, uint32_t epoch)
{
    if (node->epoch == epoch)
        return;
    node->at_peak = node->live;
    node->at_peak_blocks = node->live_blocks;
    node->epoch = epoch;
}

static inline void mp_ledger_raise(struct mp_heap_header *header, int64_t bytes)
{
    header->live += bytes;
    if (header->live > header->peak) {
        header->epoch++;
        header->peak = header->live;
    }
}

/* What a block counts for. */
static inline struct mp_weight mp_ledger_weight(struct mp_ledger *ledger, uintptr_t address,
                                                size_t size)
{
    uint64_t period = ledger->heap->header->sample;
    if (__builtin_expect(period != 0, 0))
        return mp_sample_weight(period, address, size, ledger->draws++);
    return (struct mp_weight){.bytes = size, .alive = 1, .counted = 1};
}

/* What a block adds to the small ones. */
static inline int64_t mp_ledger_small(const struct mp_heap_node *node, size_t size,
                                      uint64_t bytes)
{
    bool small = size <= MP_LEDGER_SMALL && mp_heap_kind(node) == MP_HEAP_PYTHON;
    return small ? (int64_t)bytes : 0;
}

/* A block was allocated. Returns for how many it counts. About 5 ns. */
static inline uint32_t mp_ledger_add(struct mp_ledger *ledger,
                                     struct mp_heap_thread *thread, uintptr_t address,
                                     size_t size, uint32_t stack)
{
    struct mp_heap_header *header = ledger->heap->header;
    struct mp_heap_node *node = &ledger->heap->nodes[stack];
    if (__builtin_expect(mp_shadow_put(&ledger->shadow, address, size, stack), 0)) {
        header->untracked++;
        header->untracked_bytes += size;
        return 0;
    }
    struct mp_weight weight = mp_ledger_weight(ledger, address, size);
    mp_ledger_save(node, header->epoch);
    node->live += (int64_t)weight.bytes;
    node->live_blocks += weight.alive;
    node->total += weight.bytes;
    node->blocks += weight.counted;
    thread->allocated += weight.bytes;
    thread->blocks += weight.counted;
    ledger->small += mp_ledger_small(node, size, weight.bytes);
    mp_ledger_raise(header, (int64_t)weight.bytes);
    if (__builtin_expect(
            !(thread->blocks % MP_LEDGER_LOOK) || weight.bytes >= MP_LEDGER_LARGE, 0))
        mp_ledger_look(ledger, address, size);
    return weight.counted;
}

/* A block that mp_shadow_take() knew was freed; `temporary`: what mp_ledger_add() returned of it,
   when that was its thread's last one, else 0. A large one dates the peak before it is over. */
static inline void mp_ledger_remove(struct mp_ledger *ledger, struct mp_heap_thread *thread,
                                    uintptr_t address, const struct mp_block *block,
                                    uint32_t temporary)
{
    struct mp_heap_header *header = ledger->heap->header;
    struct mp_heap_node *node = &ledger->heap->nodes[block->stack];
    struct mp_weight weight = mp_ledger_weight(ledger, address, block->size);
    if (__builtin_expect(weight.bytes >= MP_LEDGER_LARGE, 0))
        mp_ledger_note_time(ledger, false);
    mp_ledger_save(node, header->epoch);
    node->live -= (int64_t)weight.bytes;
    node->live_blocks -= weight.alive;
    ledger->small -= mp_ledger_small(node, block->size, weight.bytes);
    header->live -= (int64_t)weight.bytes;
    thread->freed += weight.bytes;
    thread->frees += temporary ? temporary : weight.counted;
    if (temporary) {
        node->temporary += temporary;
        thread->temporary += temporary;
    }
}

#endif
