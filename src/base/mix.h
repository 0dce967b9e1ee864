/* Hashes for tables whose keys come from a file. The seed is another in each process: whoever
 * writes a file cannot choose keys that all fall into one place.
 */
#ifndef MP_BASE_MIX_H
#define MP_BASE_MIX_H

#include <stddef.h>
#include <stdint.h>

/* About 1 ns. */
uint64_t mp_mix(uint64_t a, uint64_t b);

/* Of bytes, 8 at a time. */
uint64_t mp_mix_bytes(const char *bytes, size_t length);

#endif
