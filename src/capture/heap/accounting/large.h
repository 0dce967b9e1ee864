/* Where large blocks lie that may be alive, to ask which of their pages are resident. The shadow
 * knows which still are, so nobody has to tell when one is freed. Of two for one place the larger
 * stays.
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_LARGE_H
#define MP_CAPTURE_HEAP_ACCOUNTING_LARGE_H

#include "capture/heap/accounting/shadow.h"

enum { MP_LARGE_BITS = 10, MP_LARGE_PLACES = 1 << MP_LARGE_BITS };

struct mp_large {
    uintptr_t blocks[MP_LARGE_PLACES]; /* 0: none */
};

/* A block was put into the shadow. */
static inline void mp_large_note(struct mp_large *large, struct mp_shadow *shadow,
                                 uintptr_t address, size_t size)
{
    uint64_t mixed = (uint64_t)address * 0x9E3779B97F4A7C15u;
    uintptr_t *place = &large->blocks[mixed >> (64 - MP_LARGE_BITS)];
    if (!*place || mp_shadow_size(shadow, *place) < size)
        *place = address;
}

#endif
