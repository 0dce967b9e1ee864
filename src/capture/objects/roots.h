/* What holds objects from outside: modules, locals of the frames of every thread, what threads keep. */
#ifndef MP_CAPTURE_OBJECTS_ROOTS_H
#define MP_CAPTURE_OBJECTS_ROOTS_H

#include "capture/heap/frames/layout.h"

#include <stdbool.h>
#include <stdint.h>

enum mp_root_kind {
    MP_ROOT_MODULE,
    MP_ROOT_LOCAL,  /* of a function that runs */
    MP_ROOT_THREAD, /* threading.local(), context variables */
    MP_ROOT_NATIVE, /* more references than objects have: C code, values that a frame works on */
    MP_ROOT_NONE /* nothing: a cycle that the collector has not found yet */
};

struct mp_root {
    enum mp_root_kind kind;
    uint32_t node;
    PyObject *name;           /* borrowed: of the module, of the local */
    const PyCodeObject *code; /* borrowed: of the function */
    int line;                 /* where it is */
};

/* Calls back for each; `ours`: a local of a frame of ours, whose reference is only taken note of. Frames of
   the calling thread are ours, from the innermost on, while their files begin with `own`. */
typedef void mp_root_see(void *context, PyObject *, const struct mp_root *, bool ours);
void mp_roots_visit(const char *own, mp_root_see *see, void *context);

/* What a place of a frame holds, of `co_nlocalsplus`; NULL: nothing. */
PyObject *mp_root_local(const _PyInterpreterFrame *, int at);

#endif
