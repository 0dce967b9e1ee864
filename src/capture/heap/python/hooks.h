/* Follows every block that Python's allocators hand out: the raw, mem and object domains.
 *
 * The hooks are installed once and stay; `open` lets them see.
 *
 *     PyObject_Malloc ─► our hook ─► the allocator that was there ─► (PyMem_RawMalloc ─► our hook,
 *                           │                                         which sees it is nested)
 *                           └─ biased lock ─► walk the frames ─► ledger
 */
#ifndef MP_CAPTURE_HEAP_PYTHON_HOOKS_H
#define MP_CAPTURE_HEAP_PYTHON_HOOKS_H

#include <stdbool.h>

/* Puts our hooks before the allocators that are there, if they are not. */
void mp_hooks_install(void);

/* Has a hook before every free, if there is none before those of mem and object blocks: for who wants to know of
   blocks that are not recorded. Whether there is now. With the interpreter's lock. */
bool mp_hooks_see_ends(void);

/* From now on no block is passed on without a look at what is called for it: pymalloc found no
   arena, and takes small blocks from malloc. */
void mp_hooks_end_fast_path(void);

/* Whether they still are: another tool may have put back what it found. */
bool mp_hooks_are_installed(void);

#endif
