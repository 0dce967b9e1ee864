/* What an object refers to: what its type's tp_traverse says, and what that leaves out since the
 * collector has no use for it: text that is a dict's key, constants of code, elements of arrays.
 */
#ifndef MP_CAPTURE_OBJECTS_REFERENCES_H
#define MP_CAPTURE_OBJECTS_REFERENCES_H

#include "capture/heap/frames/layout.h"

#include <stdbool.h>
#include <stdint.h>

/* Calls back for each reference; allocates nothing, changes nothing. `visit` returns 0. */
void mp_references_visit(PyObject *, visitproc visit, void *context);

/* What numpy.ndarray has behind its header. */
struct mp_ndarray {
    char *data;
    const Py_ssize_t *shape, *strides;
    PyObject *base, *dtype;
    int dimensions;
    char kind; /* of the dtype: 'O' for references */
    bool owns; /* its data, which no other array has */
};

/* Whether an object is an array of NumPy, which is not looked for by an import. */
bool mp_ndarray_of(const PyObject *, struct mp_ndarray *);

/* Whether its elements are float64 or int64 as this machine has them. */
bool mp_ndarray_is_word(const struct mp_ndarray *);

/* Bytes that its elements span. */
uint64_t mp_ndarray_bytes(const struct mp_ndarray *);

#endif
