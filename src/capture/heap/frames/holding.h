/* Where a thread keeps the state with which it holds the interpreter's lock: CPython tells it by a call
 * behind two others, some 25 instructions; a load of it is one.
 */
#ifndef MP_CAPTURE_HEAP_FRAMES_HOLDING_H
#define MP_CAPTURE_HEAP_FRAMES_HOLDING_H

#include <Python.h>

/* Looks for it, in a thread that holds the lock. Not in a hook. */
void mp_holding_find(void);

/* The calling thread's, for as long as it lives: where mp_thread_holding() is read. Where that was not
   found, what is read there is NULL. */
PyThreadState *const *mp_holding_mine(void);

#endif
