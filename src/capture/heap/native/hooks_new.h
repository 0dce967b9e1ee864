/* operator new and delete of an allocator that has its own (jemalloc, tcmalloc, mimalloc): they do
 * not call malloc through a slot. libstdc++'s do, and are left alone.
 */
#ifndef MP_CAPTURE_HEAP_NATIVE_HOOKS_NEW_H
#define MP_CAPTURE_HEAP_NATIVE_HOOKS_NEW_H

#include "capture/heap/native/patch.h"

enum { MP_NATIVE_NEW = 20 };

extern const struct mp_patch mp_native_new[MP_NATIVE_NEW];

#endif
