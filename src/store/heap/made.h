/* What was found in a file: a capture of some version, and what is wrong with it. */
#ifndef MP_STORE_HEAP_MADE_H
#define MP_STORE_HEAP_MADE_H

#include <stddef.h>
#include <stdint.h>

enum mp_heap_problem {
    MP_HEAP_OK,
    MP_HEAP_SYSTEM,  /* errno says what */
    MP_HEAP_FOREIGN, /* not a heap capture */
    MP_HEAP_FUTURE,  /* made by another version of the format */
    MP_HEAP_DAMAGED
};

/* How a file has it: where the fields are that may be wrong, and what is. */
struct mp_heap_made {
    uint32_t version;
    size_t counts, owners, bank; /* offsets in the file */
    const char *wrong;           /* where it is damaged, */
    int64_t offset;              /* and at which byte of the file */
};

#endif
