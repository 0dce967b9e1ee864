/* What the kernel and the C library know of our process's resident memory, for the balance sheet of
 * a heap capture: cheap readings for any moment, and what takes longer.
 *
 * Allocates nothing and opens nothing that stays; errno is not kept. One thread at a time, who may
 * hold the biased lock: only locks of malloc's are taken.
 */
#ifndef MP_CAPTURE_HEAP_BALANCE_BALANCE_H
#define MP_CAPTURE_HEAP_BALANCE_BALANCE_H

#include "record/heap.h"

/* Before the others: finds mallinfo2(3), where malloc is that of the same library, once a process. */
void mp_balance_init(void);

/* A balance of which nothing is known. */
struct mp_heap_balance mp_balance_none(void);

/* malloc_used and malloc_free, resident or not, and finds malloc's heaps. About 1 us, but 0.1 us for
   each hole in them and 0.3 us for each heap; 0.2 ms where one is new. */
void mp_balance_read_malloc(struct mp_heap_balance *);

/* Whether an address lies in one of malloc's heaps, as they were found last. */
bool mp_balance_is_in_heap(uintptr_t address);

/* Takes from malloc_free what is not resident of these heaps, but for so many bytes of live blocks
   there. `whole`: every page is asked. */
void mp_balance_take_absent(struct mp_heap_balance *, int64_t of_blocks, bool whole);

/* stacks and libraries, from /proc/self/maps and pagemap; about 0.5 ms. `ours` is in a library
   whose data are the recorder's. */
void mp_balance_read_maps(struct mp_heap_balance *, const void *ours);

#endif
