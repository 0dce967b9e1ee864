/* The trie of call stacks: same stack, same number. About 5 ns when the stack is known.
 *
 * The nodes are the capture's own table; here is only the index that finds a caller's child.
 * One thread at a time; the caller has a lock. Allocates with mmap only.
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_STACKS_H
#define MP_CAPTURE_HEAP_ACCOUNTING_STACKS_H

#include <stddef.h>
#include <stdint.h>

#include "record/heap.h"

struct mp_stacks {
    struct mp_heap *heap; /* borrowed */
    uint32_t *slots;      /* owned: node numbers, 0 is a free slot */
    size_t room;          /* a power of two */
};

/* 0, or -1 with errno ENOMEM. */
int mp_stacks_init(struct mp_stacks *, struct mp_heap *);
void mp_stacks_release(struct mp_stacks *);

/* The stack in which `code` runs at `instruction`, called from `parent`; 0 when it is new and a
   share of the file has no room for it. */
uint32_t mp_stacks_child(struct mp_stacks *, uint32_t parent, uint32_t code,
                         uint32_t instruction, enum mp_heap_for);

#endif
