/* The lines of /proc/self/maps, one by one, and what lies at such addresses. */
#ifndef MP_CAPTURE_HEAP_BALANCE_MAPS_H
#define MP_CAPTURE_HEAP_BALANCE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A mapping; its name is of use only for those without a file: "[heap]", "[stack]", "". */
struct mp_mapping {
    uintptr_t start, end;
    char flags[5]; /* "rw-p" */
    uint64_t inode;
    char name[16];
};

/* Calls back for each, in order of address, until it returns false. 0, or -1 with errno. */
int mp_mappings_each(bool (*see)(void *context, const struct mp_mapping *), void *context);

/* Reads our own memory as another process would: false where nothing is mapped, or nothing is left
   of a file. About 0.3 us. */
bool mp_mappings_copy(void *to, uintptr_t from, size_t bytes);

#endif
