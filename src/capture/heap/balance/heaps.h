/* The heaps of glibc's malloc beside brk(2)'s: those of its arenas, which threads share.
 *
 *     multiple of 64 MiB
 *     ▼
 *     [head: arena, heap before, size, ...][chunks ■■□■□□][accessible no more][ PROT_NONE     ]
 *     ├──────────────── size ─────────────┤              to the next multiple at most ────────┤
 *
 * The head's layout is glibc's own, the same since its arenas have heaps; what does not look like one
 * is none. One thread at a time.
 */
#ifndef MP_CAPTURE_HEAP_BALANCE_HEAPS_H
#define MP_CAPTURE_HEAP_BALANCE_HEAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MP_HEAPS = 1024 /* at most that are known */ };

struct mp_heaps {
    struct mp_malloc_heap {
        uintptr_t start;
        size_t size;   /* as last asked */
    } heaps[MP_HEAPS]; /* in order of address */
    int count;
    size_t bytes; /* the sum of sizes */
};

/* Asks the heaps that are known for their sizes, and leaves out those that are gone: about 0.3 us
   each. */
void mp_heaps_ask(struct mp_heaps *);

/* Finds them, in /proc/self/maps: some 0.2 ms. */
void mp_heaps_find(struct mp_heaps *);

bool mp_heaps_hold(const struct mp_heaps *, uintptr_t address);

/* Bytes of pages in them that are not resident; `stride` as in capture/process/pages.h. */
int64_t mp_heaps_absent(const struct mp_heaps *, size_t stride);

#endif
