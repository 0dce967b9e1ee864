/* Replacements for dlopen(3), dlmopen(3) and dlsym(3): objects loaded later are patched too, and a
 * function looked up by name is ours.
 *
 * All three depend on who calls: the caller's RUNPATH and $ORIGIN, its namespace, its place before
 * RTLD_NEXT. They are therefore jumped to, never called: the return address stays the caller's.
 * So we are not there when dlopen returns, and look for new objects when the thread next calls
 * anything of ours: in a constructor of what it loads, in dlsym, in malloc.
 */
#ifndef MP_CAPTURE_HEAP_NATIVE_PATCH_DL_H
#define MP_CAPTURE_HEAP_NATIVE_PATCH_DL_H

#include "capture/heap/native/patch.h"

enum { MP_PATCH_DL_COUNT = 3 };

/* To be part of the table that is installed. */
extern const struct mp_patch mp_patch_dl[MP_PATCH_DL_COUNT];

#endif
