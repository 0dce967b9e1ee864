/* How much memory lies between two samples, as users write it: 4096, 512K, 1M. */
#ifndef MP_CMD_HEAP_SAMPLE_SIZE_H
#define MP_CMD_HEAP_SAMPLE_SIZE_H

#include <stdint.h>

#define MP_SAMPLE_MOST (1ull << 40)

/* Bytes, 1 to MP_SAMPLE_MOST; 0: it says no such size. */
uint64_t mp_sample_size(const char *text);

#endif
