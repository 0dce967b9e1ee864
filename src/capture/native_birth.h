/* What a thread was told of the one that created it; zeroes where nobody saw that. */
#ifndef MP_CAPTURE_NATIVE_BIRTH_H
#define MP_CAPTURE_NATIVE_BIRTH_H

#include <stdint.h>

struct mp_native_birth {
    uint32_t stack;   /* of the creator then */
    unsigned session; /* in which that number holds */
};

extern __thread struct mp_native_birth mp_native_birth
    __attribute__((tls_model("initial-exec")));

#endif
