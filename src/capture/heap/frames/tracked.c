#include "capture/heap/frames/tracked.h"

#if PY_VERSION_HEX < 0x030E0000
#include <internal/pycore_interp.h>
#endif

#if PY_VERSION_HEX < 0x030E0000
/* PyUnstable_GC_VisitObjects() counts references up and down, which in a child copies every page, and
   leaves out what gc.freeze() set aside. */
void mp_tracked_each(int (*visit)(PyObject *, void *context), void *context)
{
    struct _gc_runtime_state *gc = &PyInterpreterState_Get()->gc;
    PyGC_Head *heads[NUM_GENERATIONS + 1];
    for (int i = 0; i < NUM_GENERATIONS; i++)
        heads[i] = &gc->generations[i].head;
    heads[NUM_GENERATIONS] = &gc->permanent_generation.head;
    for (int i = 0; i <= NUM_GENERATIONS; i++)
        for (PyGC_Head *at = _PyGCHead_NEXT(heads[i]); at && at != heads[i];
             at = _PyGCHead_NEXT(at))
            visit((PyObject *)(at + 1), context);
}
#else
void mp_tracked_each(int (*visit)(PyObject *, void *context), void *context)
{
    PyUnstable_GC_VisitObjects(visit, context);
}
#endif
