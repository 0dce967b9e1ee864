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

#include "capture/heap/accounting/open_addressing.h"
#include "capture/heap/frames/layout.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MP_OBJECT_FILTER_BITS = 16 };

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
    uint8_t before;     /* bytes of a block before the object */
    uint8_t family;     /* enum mp_family */
    bool values;        /* attributes may lie in a block of their own */
};

/* Where a type is found by its address. */
struct mp_object_slot {
    const void *type; /* NULL: empty */
    uint32_t position, before;
};

/* Every type that there is. Most words of a block are the address of none, which the filter tells without a look into
   the slots. */
struct mp_object_types {
    struct mp_object_type *types; /* owned */
    size_t count, room;
    struct mp_object_slot *slots; /* owned: open addressing, at most a quarter full */
    size_t mask;
    uint64_t filter[1 << (MP_OBJECT_FILTER_BITS - 6)]; /* a bit is set for each type */
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

static inline size_t mp_object_filter_bit(uintptr_t word)
{
    return word * 0x9E3779B97F4A7C15u >> (64 - MP_OBJECT_FILTER_BITS);
}

/* NULL: the word is no type's address. */
static inline const struct mp_object_slot *
mp_object_slot_of(const struct mp_object_types *types, uintptr_t word)
{
    size_t bit = mp_object_filter_bit(word);
    if (!(types->filter[bit / 64] >> bit % 64 & 1))
        return NULL;
    size_t at = mp_open_addressing_home(word, types->mask + 1);
    while (types->slots[at].type && types->slots[at].type != (const void *)word)
        at = (at + 1) & types->mask;
    return types->slots[at].type ? &types->slots[at] : NULL;
}

/* A count is a small number; immortal ones are not above 2^33. An address is. */
static inline bool mp_object_is_live(const PyObject *object)
{
    uint64_t references = (uint64_t)Py_REFCNT((PyObject *)object);
    return references && references <= 1ull << 33;
}

/* Of a block of Python's allocators that is live. A block of something else whose second word happens to be a type
   behind a small number is taken for an object. About 4 ns. */
static inline struct mp_object mp_object_at(const struct mp_object_types *types,
                                            uintptr_t block, size_t size)
{
    enum { HEADER = sizeof(PyObject), MOST_BEFORE = 32 };
    for (size_t offset = 0; offset <= MOST_BEFORE && offset + HEADER <= size;
         offset += HEADER) {
        PyObject *object = (PyObject *)(block + offset);
        const struct mp_object_slot *slot =
            mp_object_slot_of(types, ((const uintptr_t *)object)[1]);
        if (slot && slot->before == offset)
            return (struct mp_object){mp_object_is_live(object) ? MP_OBJECT_LIVE
                                                                : MP_OBJECT_REUSED,
                                      &types->types[slot->position], object};
    }
    return (struct mp_object){0};
}

/* Calls back for each object that the collector follows and that may keep something beside: lists, dicts, sets and their
   kin. About 10 ns for each that it follows. */
void mp_object_each_tracked(const struct mp_object_types *,
                            void (*see)(void *context, const struct mp_object *),
                            void *context);

/* Who is told of addresses that an object keeps something at, some of which are no block's or 0. Says how large
   the block is that begins there, 0: there is none. */
typedef size_t mp_object_keeps(void *context, uintptr_t address);

void mp_object_each_kept(const struct mp_object *, mp_object_keeps *keeps, void *context);

/* Whether that may call back at all: not for most objects, which are plain or short text. */
static inline bool mp_object_may_keep(const struct mp_object *object)
{
    if (object->type->family == MP_FAMILY_STR && PY_VERSION_HEX >= 0x030C0000) {
        const PyASCIIObject *text = (PyASCIIObject *)object->object;
        return !(text->state.compact && text->state.ascii) || object->type->values;
    }
    return object->type->family != MP_FAMILY_PLAIN || object->type->values;
}

#endif
