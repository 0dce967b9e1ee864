/* How large an object is: with the collector's links, and with what it keeps in blocks of its own. */
#ifndef MP_CAPTURE_OBJECTS_SIZES_H
#define MP_CAPTURE_OBJECTS_SIZES_H

#include "capture/heap/frames/layout.h"

#include <stdint.h>

/* Bytes, as sys.getsizeof() has it for builtin types; no method of the object runs. */
uint64_t mp_size_of(PyObject *);

/* Where its block begins. */
uintptr_t mp_size_block(const PyObject *);

#endif
