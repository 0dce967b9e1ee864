/* What a process has mapped, as /proc/PID/maps lists it at this moment. */
#ifndef MP_CAPTURE_ATTACH_MAPPINGS_H
#define MP_CAPTURE_ATTACH_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mp_mapping {
    uint64_t start, end, offset;
    bool executable, writable;
    char *path; /* owned; "" where it has none */
};

struct mp_mappings {
    struct mp_mapping *items; /* owned; by address */
    size_t count, room;
};

/* Reads them anew; `proc` is a descriptor of /proc/PID. 0, or -1 with errno. */
int mp_mappings_read(struct mp_mappings *, int proc);
void mp_mappings_release(struct mp_mappings *);

/* The one that has the address, or NULL. */
const struct mp_mapping *mp_mappings_at(const struct mp_mappings *, uint64_t address);

/* An address where so many bytes, whole pages, are free between two of them; 0: none is known. */
uint64_t mp_mappings_gap(const struct mp_mappings *, uint64_t bytes);

#endif
