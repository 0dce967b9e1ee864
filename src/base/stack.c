#include "base/stack.h"

#include <pthread.h>

__thread struct mp_stack mp_stack = {.middle = UINTPTR_MAX};

/* A stack whose place is unknown is never low. */
static void ask(void)
{
    pthread_attr_t attributes;
    void *address;
    size_t size;
    mp_stack = (struct mp_stack){0};
    if (pthread_getattr_np(pthread_self(), &attributes))
        return;
    if (!pthread_attr_getstack(&attributes, &address, &size)) {
        uintptr_t bottom = (uintptr_t)address;
        mp_stack = (struct mp_stack){bottom, bottom + size / 2, bottom + size / 16};
    }
    pthread_attr_destroy(&attributes);
}

bool mp_stack_is_low_slow(uintptr_t here)
{
    if (mp_stack.middle == UINTPTR_MAX)
        ask();
    return here >= mp_stack.bottom && here < mp_stack.middle;
}
