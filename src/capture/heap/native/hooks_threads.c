#include "capture/heap/native/hooks_threads.h"

#include <errno.h>
#include <stddef.h>

#include "capture/heap/native/begin.h"
#include "capture/heap/native/sink.h"

__thread struct mp_native_creation mp_native_creation
    __attribute__((tls_model("initial-exec")));

/* With what a later libc gives beside the thread. */
typedef void *allocate(void *thread, long how);

static allocate *real_allocate, *real_allocate_again;

static const char *thread_pointer(void)
{
#if defined __x86_64__
    const char *here;
    asm("mov %%fs:0, %0" : "=r"(here));
    return here;
#elif defined __aarch64__
    return __builtin_thread_pointer();
#else
    return NULL; /* nothing is patched on other machines */
#endif
}

/* A variable of this linkage lies equally far from every thread's pointer, and that is what the
   loader is given and gives back. The storage is initialized, and the thread does not run yet. */
static void *reported(char *thread)
{
    if (!thread || !mp_native_begin())
        return thread;
    int kept = errno;
    ptrdiff_t apart = (const char *)&mp_native_creation - thread_pointer();
    mp_native_sink.create((void *)(thread + apart));
    errno = kept;
    mp_native_end();
    return thread;
}

static void *hook_allocate(void *thread, long how)
{
    return reported(real_allocate(thread, how));
}

/* Storage that an ended thread has left; or a timer's thread makes its own as new, and was not
   created anew. */
static void *hook_allocate_again(void *thread, long how)
{
    struct mp_native_creation creation = mp_native_creation;
    void *made = real_allocate_again(thread, how);
    if (made != thread_pointer())
        return reported(made);
    mp_native_creation = creation;
    return made;
}

const struct mp_patch mp_native_threads[MP_NATIVE_THREADS] = {
    {"_dl_allocate_tls", (void *)hook_allocate, (void **)&real_allocate, true},
    {"_dl_allocate_tls_init", (void *)hook_allocate_again, (void **)&real_allocate_again,
     true},
};
