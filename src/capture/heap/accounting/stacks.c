#include "capture/heap/accounting/stacks.h"

#include <sys/mman.h>

enum { FIRST_ROOM = 1 << 14, CROWD = 4 /* slots */ };

static uint32_t *take_slots(size_t room)
{
    void *slots = mmap(NULL, room * sizeof(uint32_t), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return slots == MAP_FAILED ? NULL : slots;
}

int mp_stacks_init(struct mp_stacks *stacks, struct mp_heap *heap)
{
    *stacks = (struct mp_stacks){heap, take_slots(FIRST_ROOM), FIRST_ROOM};
    return stacks->slots ? 0 : -1;
}

void mp_stacks_release(struct mp_stacks *stacks)
{
    if (stacks->slots)
        munmap(stacks->slots, stacks->room * sizeof *stacks->slots);
    *stacks = (struct mp_stacks){0};
}

/* Neighbours in the trie are neighbours in the index: a program that goes through its calls in order
   finds them in the cache. Where many children of one parent would crowd, the search jumps. */
static size_t home_of(const struct mp_stacks *stacks, uint32_t parent, uint32_t code,
                      uint32_t instruction)
{
    return ((size_t)parent * 2 + instruction + code) & (stacks->room - 1);
}

static size_t jump(const struct mp_stacks *stacks, uint32_t parent, uint32_t code,
                   uint32_t instruction)
{
    uint64_t key = (uint64_t)parent << 32 | instruction;
    key = (key ^ (uint64_t)code * 0xC2B2AE3D27D4EB4Fu) * 0x9E3779B97F4A7C15u;
    return (size_t)((key ^ key >> 29) >> 16) & (stacks->room - 1);
}

static uint32_t *slot_of(const struct mp_stacks *stacks, uint32_t parent, uint32_t code,
                         uint32_t instruction)
{
    const struct mp_heap_node *nodes = stacks->heap->nodes;
    size_t at = home_of(stacks, parent, code, instruction);
    for (unsigned tried = 1; stacks->slots[at]; tried++) {
        const struct mp_heap_node *node = &nodes[stacks->slots[at]];
        if (node->parent == parent && node->code == code &&
            node->instruction == instruction)
            break;
        at = tried == CROWD ? jump(stacks, parent, code, instruction)
                            : (at + 1) & (stacks->room - 1);
    }
    return &stacks->slots[at];
}

static int grow(struct mp_stacks *stacks)
{
    struct mp_stacks grown = {stacks->heap, take_slots(stacks->room * 2), stacks->room * 2};
    if (!grown.slots)
        return -1;
    uint64_t count = stacks->heap->header->counts[MP_HEAP_NODES];
    for (uint64_t id = 1; id < count; id++) {
        const struct mp_heap_node *node = &stacks->heap->nodes[id];
        *slot_of(&grown, node->parent, node->code, node->instruction) = (uint32_t)id;
    }
    mp_stacks_release(stacks);
    *stacks = grown;
    return 0;
}

uint32_t mp_stacks_child(struct mp_stacks *stacks, uint32_t parent, uint32_t code,
                         uint32_t instruction, enum mp_heap_for share)
{
    uint32_t *slot = slot_of(stacks, parent, code, instruction);
    if (*slot)
        return *slot;
    struct mp_heap *heap = stacks->heap;
    uint64_t id = heap->header->counts[MP_HEAP_NODES];
    if (mp_heap_reserve(heap, MP_HEAP_NODES, 1, share) ||
        (id * 2 >= stacks->room && grow(stacks)))
        return 0;
    slot = slot_of(stacks, parent, code, instruction);
    heap->nodes[id].parent = parent;
    heap->nodes[id].code = code;
    heap->nodes[id].instruction = instruction;
    __atomic_store_n(&heap->header->counts[MP_HEAP_NODES], id + 1, __ATOMIC_RELEASE);
    *slot = (uint32_t)id;
    return (uint32_t)id;
}
