#include "base/stack.h"

#include <pthread.h>

__thread struct mp_stack mp_stack = {.half = UINTPTR_MAX};

/* A stack whose place is unknown is never low. */
static void ask(void)
{
    pthread_attr_t attributes;
    void *bottom;
    size_t size;
    mp_stack = (struct mp_stack){0};
    if (pthread_getattr_np(pthread_self(), &attributes))
        return;
    if (!pthread_attr_getstack(&attributes, &bottom, &size))
        mp_stack = (struct mp_stack){(uintptr_t)bottom, size / 2, size / 16};
    pthread_attr_destroy(&attributes);
}

bool mp_stack_is_low_slow(uintptr_t here)
{
    if (mp_stack.half == UINTPTR_MAX)
        ask();
    return here - mp_stack.bottom < mp_stack.half;
}
