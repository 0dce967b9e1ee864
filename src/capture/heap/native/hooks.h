/* Follows the blocks of malloc(3) and the mappings of mmap(2) that any object of the process asks
 * for, Python or not. Tells the functions of a sink, which decide what is recorded.
 */
#ifndef MP_CAPTURE_HEAP_NATIVE_HOOKS_H
#define MP_CAPTURE_HEAP_NATIVE_HOOKS_H

#include "capture/heap/native/sink.h"

/* Once a process; it stays, and the first sink with it. 0, or -1 with errno as mp_patch_install()
   says. */
int mp_native_install(const struct mp_native_sink *);

#endif
