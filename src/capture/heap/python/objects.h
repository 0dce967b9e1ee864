/* What a block of Python's allocators is: an object of a type that is known, and what else objects keep
 * in blocks of their own.
 *
 *     block  [ weak references, dict | GC's links | count | type | ... ]      offset 0, 16 or 32:
 *             └─ some classes ─────┘ └─ GC only ─┘  └── the object           as the type's flags say
 *
 * Nothing but the object itself is read: what it points to is an address that may be looked up. The
 * caller has the interpreter's lock.
 */
#ifndef MP_CAPTURE_HEAP_PYTHON_OBJECTS_H
#define MP_CAPTURE_HEAP_PYTHON_OBJECTS_H

#include "capture/heap/frames/layout.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What objects of a type keep elsewhere. */
enum mp_family {
    MP_FAMILY_PLAIN,
    MP_FAMILY_STR,
    MP_FAMILY_LIST,
    MP_FAMILY_DICT,
    MP_FAMILY_ORDERED_DICT,
    MP_FAMILY_SET,
    MP_FAMILY_BYTEARRAY,
    MP_FAMILY_DEQUE,
    MP_FAMILY_ARRAY,
    MP_FAMILY_NDARRAY,
    MP_FAMILY_TYPE
};

struct mp_object_type {
    PyTypeObject *type; /* owned */
    size_t before;      /* bytes of a block before the object */
    enum mp_family family;
    bool values; /* attributes may lie in a block of their own */
};

/* Every type that there is. */
struct mp_object_types {
    struct mp_object_type *types; /* owned */
    size_t count, room;
    uint32_t *slots; /* owned: positions + 1, open addressing */
    size_t mask;
};

/* Runs none of the program's code. 0, or -1 with errno ENOMEM; an exception that is set stays. About 1 us a
   type. */
int mp_object_types_init(struct mp_object_types *);
void mp_object_types_release(struct mp_object_types *);

enum mp_object_state {
    MP_OBJECT_NONE,   /* no object begins where one would */
    MP_OBJECT_REUSED, /* one was there: Python keeps the block for the next of its kind */
    MP_OBJECT_LIVE
};

struct mp_object {
    enum mp_object_state state;
    const struct mp_object_type *type;
    PyObject *object;
};

/* Of a block of Python's allocators that is live. A block of something else whose second word happens to be a type
   behind a small number is taken for an object. About 10 ns. */
struct mp_object mp_object_at(const struct mp_object_types *, uintptr_t block, size_t size);

/* Calls back for each object that the collector follows and that may keep something beside: lists, dicts, sets and their
   kin. About 10 ns for each that it follows. */
void mp_object_each_tracked(const struct mp_object_types *,
                            void (*see)(void *context, const struct mp_object *),
                            void *context);

/* Who is told of addresses that an object keeps something at, some of which are no block's or 0. Says how large
   the block is that begins there, 0: there is none. */
typedef size_t mp_object_keeps(void *context, uintptr_t address);

void mp_object_each_kept(const struct mp_object *, mp_object_keeps *keeps, void *context);

#endif
