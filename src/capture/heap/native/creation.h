/* What is known to a thread of the one that created it; zeroes where nobody saw that. */
#ifndef MP_CAPTURE_HEAP_NATIVE_CREATION_H
#define MP_CAPTURE_HEAP_NATIVE_CREATION_H

#include <stdint.h>

struct mp_native_creation {
    uint32_t stack;   /* of the creator then */
    unsigned session; /* in which that number holds */
};

extern __thread struct mp_native_creation mp_native_creation
    __attribute__((tls_model("initial-exec")));

#endif
