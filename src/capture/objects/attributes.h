/* Attributes as instances keep them: in a dict, in values beside the keys of their class, in slots.
 * Nothing is made or changed. One layout a version of CPython.
 */
#ifndef MP_CAPTURE_OBJECTS_ATTRIBUTES_H
#define MP_CAPTURE_OBJECTS_ATTRIBUTES_H

#include "capture/heap/frames/layout.h"

#include <stddef.h>

/* An instance's, module's or function's own __dict__; NULL: it has none, or none was made yet. */
PyObject *mp_attributes_dict(PyObject *);

/* The key of an attribute that is this value and lies beside the class's keys; NULL: none is. */
PyObject *mp_attributes_name(PyObject *, const PyObject *value);

/* The name of a slot, or of a member of a type of C, that is this value; NULL: none is. */
const char *mp_attributes_member(const PyObject *, const PyObject *value);

/* Attributes of an instance of a class that was written in Python; -1: it is another's. As slots there would be
   one for each that others of the class have, too. */
Py_ssize_t mp_attributes_count(PyObject *);

/* Bytes of the values that are no dict's, of keys that are the class's. */
size_t mp_attributes_bytes(PyObject *);

/* Bytes of a dict's table; 0 where it lies in the instance. */
size_t mp_attributes_table(const PyDictObject *);

/* Of the smallest that has room for what is in it, as one has that is built anew; 0: its keys are a class's. */
size_t mp_attributes_tight_table(const PyDictObject *);

#endif
