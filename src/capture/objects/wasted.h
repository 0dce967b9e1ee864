/* What one object takes and would not need, by its layout alone: nothing of the program runs. */
#ifndef MP_CAPTURE_OBJECTS_WASTED_H
#define MP_CAPTURE_OBJECTS_WASTED_H

#include "capture/heap/frames/layout.h"

#include <stdint.h>

#include "capture/objects/copies.h"
#include "record/waste.h"

struct mp_wasted {
    uint64_t saved; /* bytes; 0: nothing is wasted */
    uint64_t bytes; /* that it takes now, with what is saved of others for it */
    enum mp_waste_kind kind;
    uint32_t code;   /* as of mp_waste_row */
    uintptr_t block; /* whose line it is; its own where that is not known */
};

/* The narrowest integers that hold a range: their code and bytes. */
uint32_t mp_wasted_code(long long least, long long most, size_t *width);

/* What may still be read of contents, and texts for one array at a time. */
struct mp_wasted_limits {
    uint64_t left;        /* bytes; */
    uint64_t unseen;      /* of what was not read for want of these */
    struct mp_copies few; /* for MP_WASTED_FEW */
};

enum { MP_WASTED_FEW = 1 << 12 }; /* different texts of an array, at most */

/* Whether there are so many bytes left to be read, which then are fewer. */
bool mp_wasted_may_read(struct mp_wasted_limits *, uint64_t bytes);

/* A list, dict or set; not the dict of an instance, module or class. */
struct mp_wasted mp_wasted_container(PyObject *);

/* A list of numbers, each of which it alone may keep. */
struct mp_wasted mp_wasted_numbers(PyObject *list);

/* An instance whose attributes are in a dict, or where one is made when it is asked for. */
struct mp_wasted mp_wasted_attributes(PyObject *);

/* An array of NumPy that owns its data. */
struct mp_wasted mp_wasted_array(PyObject *, struct mp_wasted_limits *);

#endif
