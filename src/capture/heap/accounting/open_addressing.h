/* Open-addressing hash tables, by address, of a power of two of rooms: an entry lies at its home,
 * or behind it without a gap between (linear probing). Taking one out leaves no mark, the entries
 * behind it move up:
 *
 *     home of  a   b   b   c  ─ a goes ─►  b   b   c   .
 */
#ifndef MP_CAPTURE_HEAP_ACCOUNTING_OPEN_ADDRESSING_H
#define MP_CAPTURE_HEAP_ACCOUNTING_OPEN_ADDRESSING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t mp_open_addressing_home(uintptr_t address, size_t room)
{
    return (size_t)((address * 0x9E3779B97F4A7C15u) >> 32) & (room - 1);
}

/* Whether the entry of an address, which lies at `at`, moves into a gap before it: not if its home
   lies in between. */
static inline bool mp_open_addressing_moves(uintptr_t address, size_t at, size_t gap,
                                            size_t room)
{
    size_t home = mp_open_addressing_home(address, room);
    return ((at - home) & (room - 1)) >= ((at - gap) & (room - 1));
}

#endif
