/* Follows every block that Python's allocators hand out: the raw, mem and object domains.
 *
 * The hooks are installed once and stay; `open` lets them see. One capture at a time in a process.
 *
 *     PyObject_Malloc ─► our hook ─► the allocator that was there ─► (PyMem_RawMalloc ─► our hook,
 *                           │                                         which sees it is nested)
 *                           └─ turn ─► walk the frames ─► ledger
 *
 * A forked child does not record, the capture is its parent's, until it starts one of its own.
 */
#ifndef MP_CAPTURE_HOOKS_PYTHON_H
#define MP_CAPTURE_HOOKS_PYTHON_H

#include <Python.h>

#include <stdbool.h>

#include "capture/flow.h"
#include "record/heap.h"

/* Starts recording into an empty capture, which must stay until mp_hooks_stop(). The caller has
   the interpreter's lock. `native`: also what C libraries take from malloc and mmap.
   `sample`: bytes between the blocks that are recorded, on average; 0: all are. 0, or -1 with
   errno (EBUSY: a capture is being recorded; for native ones see mp_native_install()). */
int mp_hooks_start(struct mp_heap *, bool native, uint64_t sample);

/* Puts our hooks before the allocators that are there, if they are not. */
void mp_hooks_install(void);

/* From now on no block is passed on without a look at what is called for it: pymalloc found no
   arena, and takes small blocks from malloc. */
void mp_hooks_end_quiet(void);

/* Whether they still are: another tool may have put back what it found. */
bool mp_hooks_are_installed(void);

/* Stops; when it returns no thread is using the capture any more. Does nothing in a child of the
   process that started. */
void mp_hooks_stop(void);

/* Whether this process is recording. */
bool mp_hooks_are_open(void);

/* Runs `look` while nobody writes the capture. */
void mp_hooks_pause(void (*look)(void *), void *context);

/* What the calling thread took and gave back while captures ran. */
mp_flow_find mp_hooks_flow;

/* Lets go of a block that the interpreter has just allocated to tell us something: it is not in
   its thread's flow, and neither will its end be. */
void mp_hooks_disown(void *address);

/* While a thread is aside, what it allocates is our own and nobody's. Returns whether it was. */
bool mp_hooks_set_aside(bool aside);

#endif
