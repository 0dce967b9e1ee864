/* Tables found by address, with rooms of a power of two: an entry lies at its home, or behind it
 * without a gap between. Taking one out leaves no mark, the entries behind it move up:
 *
 *     home of  a   b   b   c  ─ a goes ─►  b   b   c   .
 */
#ifndef MP_CAPTURE_OPEN_TABLE_H
#define MP_CAPTURE_OPEN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t mp_open_home(uintptr_t address, size_t room)
{
    return (size_t)((address * 0x9E3779B97F4A7C15u) >> 32) & (room - 1);
}

/* Whether the entry of an address, which lies at `at`, moves into a gap before it: not if its home
   lies in between. */
static inline bool mp_open_moves(uintptr_t address, size_t at, size_t gap, size_t room)
{
    size_t home = mp_open_home(address, room);
    return ((at - home) & (room - 1)) >= ((at - gap) & (room - 1));
}

#endif
