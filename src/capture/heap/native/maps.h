/* What is mapped where and who mapped it: the intervals of the mmap family, by address.
 *
 *     addresses  ──[ anonymous, stack 7 ][ anonymous, stack 9 ]────[ file, stack 2 ]──
 *
 * A treap in one mmapped array. Every operation cuts the tree at the ends of its range, does with
 * the piece what the kernel did, and joins: O(log n) and the intervals it touches.
 * One thread at a time; the caller has a lock. Allocates with mmap only.
 */
#ifndef MP_CAPTURE_HEAP_NATIVE_MAPS_H
#define MP_CAPTURE_HEAP_NATIVE_MAPS_H

#include <stddef.h>
#include <stdint.h>

enum mp_map_kind {
    MP_MAP_ANONYMOUS, /* private */
    MP_MAP_SHARED,    /* anonymous too, but MADV_DONTNEED does not empty it */
    MP_MAP_FILE,
    MP_MAP_POOL, /* private, anonymous and large: what is resident counts */
};

enum mp_map_state {
    MP_MAP_COUNTS,
    MP_MAP_RESERVED, /* PROT_NONE: addresses without memory */
    MP_MAP_EMPTIED,  /* MADV_DONTNEED: nobody sees it being used again */
};

/* Bytes that count which a stack has more, or less, of a kind. */
typedef void mp_maps_report(void *context, uint32_t stack, enum mp_map_kind, int64_t bytes);

struct mp_maps_node {
    uintptr_t start, end;
    uint32_t left, right; /* 0: none */
    uint32_t order;       /* no child has a larger one */
    uint32_t stack;
    enum mp_map_kind kind;
    enum mp_map_state state;
};

struct mp_maps {
    struct mp_maps_node *nodes; /* owned; [0] stands for none */
    uint32_t room, fresh,
        unused; /* from `fresh` on never used; `unused`: a list by `left` */
    uint32_t unused_count;
    uint32_t root;
    uint32_t random;
    uintptr_t page;
    mp_maps_report *tell;
    void *context; /* borrowed */
};

/* 0, or -1 with errno ENOMEM. */
int mp_maps_init(struct mp_maps *, mp_maps_report *, void *context);
void mp_maps_release(struct mp_maps *);

/* What a call of the same name did, reported after it succeeded. Lengths are rounded up to pages as
   the kernel does. 0, or -1 with errno ENOMEM: nothing was changed. */
int mp_maps_map(struct mp_maps *, uintptr_t address, size_t length, uint32_t stack,
                enum mp_map_kind, int protection);
int mp_maps_unmap(struct mp_maps *, uintptr_t address, size_t length);
int mp_maps_protect(struct mp_maps *, uintptr_t address, size_t length, int protection);
int mp_maps_dontneed(struct mp_maps *, uintptr_t address, size_t length);

/* mremap(2). Bytes that were there keep their stack; those that are new have the one given. */
struct mp_maps_remap {
    uintptr_t old, new;
    size_t old_length, new_length;
    int flags;
    uint32_t stack;
};
int mp_maps_remap(struct mp_maps *, const struct mp_maps_remap *);

/* The interval at an address; of none that is known the kind is MP_MAP_ANONYMOUS, without bytes. */
const struct mp_maps_node *mp_maps_at(const struct mp_maps *, uintptr_t address);

/* Calls back for each interval in order of address. */
void mp_maps_each(const struct mp_maps *,
                  void (*see)(void *context, const struct mp_maps_node *), void *context);

#endif
