/* The program's own action for SIGBUS, while ours is the process's (base/guard.h): whoever sets or
 * asks it by one of these functions does so as without us.
 */
#ifndef MP_CAPTURE_HEAP_NATIVE_HOOKS_SIGNALS_H
#define MP_CAPTURE_HEAP_NATIVE_HOOKS_SIGNALS_H

#include "capture/heap/native/patch.h"

enum { MP_NATIVE_SIGNALS = 7 };

extern const struct mp_patch mp_native_signals[MP_NATIVE_SIGNALS];

#endif
