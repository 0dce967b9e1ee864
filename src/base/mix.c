#include "base/mix.h"

#include <string.h>
#include <sys/auxv.h>

/* The kernel gives each process 16 random bytes. */
static void seeds(uint64_t to[2])
{
    static const char *random;
    if (!random)
        random = (const char *)getauxval(AT_RANDOM); // NOLINT: an address by contract
    memcpy(to, random ? random : "never without it", 2 * sizeof *to);
}

uint64_t mp_mix(uint64_t a, uint64_t b)
{
    uint64_t seed[2];
    seeds(seed);
    unsigned __int128 product = (unsigned __int128)(a ^ seed[0]) * (b ^ seed[1]);
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

uint64_t mp_mix_bytes(const char *bytes, size_t length)
{
    uint64_t hash = length, word;
    for (; length >= sizeof word; bytes += sizeof word, length -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        hash = mp_mix(hash, word);
    }
    word = 0;
    memcpy(&word, bytes, length);
    return mp_mix(hash, word);
}
