/* The hooks of the mmap family: mmap, munmap, mremap, mprotect, madvise, brk and sbrk.
 *
 * The call itself and what is reported of it are done under one lock: an address that one thread
 * gives back another may have at once, and only the kernel's order is right.
 */
#ifndef MP_CAPTURE_HEAP_NATIVE_HOOKS_MAPS_H
#define MP_CAPTURE_HEAP_NATIVE_HOOKS_MAPS_H

#include "capture/heap/native/patch.h"

enum { MP_NATIVE_MAPS = 8 };

/* To be part of the table that is installed, after init. */
extern const struct mp_patch mp_native_maps[MP_NATIVE_MAPS];

/* Once a process. 0, or -1 with errno ENOMEM. */
int mp_native_maps_init(void);

#endif
