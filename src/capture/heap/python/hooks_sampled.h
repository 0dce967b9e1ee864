/* The hooks of a recording that takes samples. Most blocks are skipped: functions of their own, which save
 * no registers, and go on to pymalloc as if they were not there; those of the sample take the exact hooks.
 * Either set does what is right of either kind of recording, and of none.
 *
 *     sampling    small samples lie in pools: their ends are looked for
 *     bare        they are set apart, and no hook is before pymalloc's free
 */
#ifndef MP_CAPTURE_HEAP_PYTHON_HOOKS_SAMPLED_H
#define MP_CAPTURE_HEAP_PYTHON_HOOKS_SAMPLED_H

#include "capture/heap/python/hooks_exact.h"

/* Those without a free leave pymalloc's. */
extern const PyMemAllocatorEx mp_hooks_sampling[MP_HOOKS_DOMAINS] MP_HOOKS_OWN;
extern const PyMemAllocatorEx mp_hooks_bare[MP_HOOKS_DOMAINS] MP_HOOKS_OWN;

/* pymalloc's, while the bare hooks are before them, and up to how many bytes blocks may be set apart; 0: these
   hooks pass on. */
extern PyMemAllocatorEx mp_hooks_pymalloc[MP_HOOKS_DOMAINS] MP_HOOKS_OWN;
extern size_t mp_hooks_small MP_HOOKS_OWN;

#endif
