/* Who creates a thread, written into the thread itself: glibc asks the loader for a new thread's storage,
 * in the creator, in each pthread_create(3) and thrd_create(3), whoever calls them. What the sink
 * says of the creator is left in that storage. Nothing is wrapped, and nothing is to be freed.
 *
 *     creator ─► pthread_create ─► libc ─► _dl_allocate_tls ─► its mp_native_creation is written
 *     thread  ─► its start routine ─► ... ─► reads its mp_native_creation
 */
#ifndef MP_CAPTURE_HEAP_NATIVE_HOOKS_THREADS_H
#define MP_CAPTURE_HEAP_NATIVE_HOOKS_THREADS_H

#include "capture/heap/native/creation.h"
#include "capture/heap/native/patch.h"

enum { MP_NATIVE_THREADS = 2 };

extern const struct mp_patch mp_native_threads[MP_NATIVE_THREADS];

#endif
