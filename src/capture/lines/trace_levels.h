/* The recursion limit counts frames. What we put between the program's own does not count: a thread
 * has the levels back that we take, so that the program gets as deep as it would alone.
 *
 *     plain        f 1                f 2                f 3          levels of the limit
 *     decorated    wrapper 1, f 1     wrapper 2, f 2     wrapper 3, f 3
 *
 * sys.getrecursionlimit() stays what it is. sys.setrecursionlimit() and switches of greenlets keep
 * how deep a thread is and not what it has left, so what is given is taken back whatever they did.
 */
#ifndef MP_CAPTURE_LINES_TRACE_LEVELS_H
#define MP_CAPTURE_LINES_TRACE_LEVELS_H

#include <Python.h>
#include <stdbool.h>

/* How much deeper our own Python code may go, at the program's last level too. */
enum { MP_LEVELS_OWN = 200 };

/* 3.11 counts calls of C functions with those of Python's; from 3.12 on the C stack has a guard of
   its own, which is left alone. */
#if PY_VERSION_HEX < 0x030C0000
#define MP_LEVELS_OF_C 1
#define MP_LEVELS_LEFT recursion_remaining
#define MP_LEVELS_LIMIT recursion_limit
#else
#define MP_LEVELS_OF_C 0
#define MP_LEVELS_LEFT py_recursion_remaining
#define MP_LEVELS_LIMIT py_recursion_limit
#endif

/* Lets the calling thread go so much deeper; negative: takes that back. */
static inline void mp_levels_give(int levels)
{
    PyThreadState_Get()->MP_LEVELS_LEFT += levels;
}

/* How deep the calling thread is. */
static inline int mp_levels_deep(void)
{
    const PyThreadState *thread = PyThreadState_Get();
    return thread->MP_LEVELS_LIMIT - thread->MP_LEVELS_LEFT;
}

#endif
