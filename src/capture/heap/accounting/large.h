/* Where large blocks lie that may be alive, to ask which of their pages are resident. The shadow
 * knows which still are, so nobody has to tell when one is freed. One that finds none of its places
 * free takes that of the smallest, if it is larger.
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_LARGE_H
#define MP_CAPTURE_HEAP_ACCOUNTING_LARGE_H

#include "capture/heap/accounting/shadow.h"

enum { MP_LARGE_BITS = 10, MP_LARGE_PLACES = 1 << MP_LARGE_BITS, MP_LARGE_NEAR = 8 };

struct mp_large {
    uintptr_t blocks[MP_LARGE_PLACES]; /* 0: none */
};

/* A block was put into the shadow. */
static inline void mp_large_note(struct mp_large *large, struct mp_shadow *shadow,
                                 uintptr_t address, size_t size)
{
    uint64_t first = (uint64_t)address * 0x9E3779B97F4A7C15u >> (64 - MP_LARGE_BITS);
    uintptr_t *smallest = NULL;
    size_t least = size;
    for (uint64_t i = 0; i < MP_LARGE_NEAR; i++) {
        uintptr_t *place = &large->blocks[(first + i) % MP_LARGE_PLACES];
        size_t its = *place && least ? mp_shadow_size(shadow, *place) : 0;
        if (*place == address)
            return;
        if (its < least) {
            smallest = place;
            least = its;
        }
    }
    if (smallest)
        *smallest = address;
}

#endif
