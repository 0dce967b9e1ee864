#include "capture/objects/wasted.h"

#include "capture/objects/attributes.h"
#include "capture/objects/sizes.h"

enum { WORD = sizeof(void *), BEFORE = 2 * WORD, LEAST_NUMBERS = 16 };

static const struct mp_wasted nothing;

/* Items and tables are where they grew last; an object may lie in a block that Python kept from an earlier one. */
static uintptr_t block_of(PyObject *object)
{
    if (PyList_Check(object))
        return (uintptr_t)((PyListObject *)object)->ob_item;
    if (PyDict_Check(object))
        return (uintptr_t)((PyDictObject *)object)->ma_keys;
    return mp_size_block(object);
}

static struct mp_wasted saved_of(PyObject *object, enum mp_waste_kind kind, uint64_t saved)
{
    return (struct mp_wasted){.saved = saved,
                              .bytes = mp_size_of(object),
                              .kind = kind,
                              .block = block_of(object)};
}

static struct mp_wasted of_list(PyObject *list)
{
    size_t size = (size_t)PyList_GET_SIZE(list);
    size_t room = (size_t)((PyListObject *)list)->allocated;
    if (!size)
        return saved_of(list, MP_WASTE_EMPTY, mp_size_of(list));
    return room > size ? saved_of(list, MP_WASTE_SPARE, (room - size) * WORD) : nothing;
}

static struct mp_wasted of_dict(PyObject *object)
{
    const PyDictObject *dict = (PyDictObject *)object;
    if (!dict->ma_used)
        return saved_of(object, MP_WASTE_EMPTY, mp_size_of(object));
    size_t now = mp_attributes_table(dict), tight = mp_attributes_tight_table(dict);
    return tight && tight <= now / 2 ? saved_of(object, MP_WASTE_SPARSE, now - tight)
                                     : nothing;
}

/* As set(other) makes it: in the object, or the power of two above twice as many. */
static struct mp_wasted of_set(PyObject *object)
{
    enum { WITHIN = 5 };
    const PySetObject *set = (PySetObject *)object;
    size_t slots = 8, now = (size_t)set->mask + 1, used = (size_t)set->used;
    if (!used)
        return PySet_Check(object) ? saved_of(object, MP_WASTE_EMPTY, mp_size_of(object))
                                   : nothing; /* frozenset() is one for all */
    while (slots <= used * 2)
        slots *= 2;
    if (set->table == set->smalltable || slots >= now)
        return nothing;
    size_t less = used < WITHIN ? now : now - slots;
    return saved_of(object, MP_WASTE_SPARSE, less * sizeof(setentry));
}

struct mp_wasted mp_wasted_container(PyObject *object)
{
    return PyList_Check(object)     ? of_list(object)
           : PyDict_Check(object)   ? of_dict(object)
           : PyAnySet_Check(object) ? of_set(object)
                                    : nothing;
}

/* The narrowest that holds all of a range: of -128 to 127 a byte; 0: none does. */
static uint32_t code_of_range(long long least, long long most)
{
    return least >= INT8_MIN && most <= INT8_MAX     ? 'b'
           : least >= INT16_MIN && most <= INT16_MAX ? 'h'
           : least >= INT32_MIN && most <= INT32_MAX ? 'i'
                                                     : 'q';
}

uint32_t mp_wasted_code(long long least, long long most, size_t *width)
{
    uint32_t code = code_of_range(least, most);
    *width = code == 'b' ? 1 : code == 'h' ? 2 : code == 'i' ? 4 : 8;
    return code;
}

/* What it is alone to keep. */
static uint64_t own_of(PyObject *number)
{
    return Py_REFCNT(number) == 1 ? mp_size_of(number) : 0;
}

static struct mp_wasted numbers_in(PyObject *list, uint64_t own, uint32_t code,
                                   size_t width)
{
    uint64_t size = (uint64_t)PyList_GET_SIZE(list), now = size * WORD + own;
    if (now <= size * width)
        return nothing;
    struct mp_wasted wasted = saved_of(list, MP_WASTE_NUMBERS, now - size * width);
    wasted.bytes += own;
    wasted.code = code;
    return wasted;
}

static struct mp_wasted of_ints(PyObject *list)
{
    long long least = LLONG_MAX, most = LLONG_MIN;
    uint64_t own = 0;
    size_t width;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *item = PyList_GET_ITEM(list, i);
        int overflow = 1;
        long long value = item && PyLong_CheckExact(item)
                              ? PyLong_AsLongLongAndOverflow(item, &overflow)
                              : 0;
        if (overflow)
            return nothing;
        own += own_of(item);
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    uint32_t code = mp_wasted_code(least, most, &width);
    return numbers_in(list, own, code, width);
}

static struct mp_wasted of_floats(PyObject *list)
{
    uint64_t own = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *item = PyList_GET_ITEM(list, i);
        if (!item || !PyFloat_CheckExact(item))
            return nothing;
        own += own_of(item);
    }
    return numbers_in(list, own, 'd', sizeof(double));
}

struct mp_wasted mp_wasted_numbers(PyObject *list)
{
    if (!PyList_CheckExact(list) || PyList_GET_SIZE(list) < LEAST_NUMBERS)
        return nothing;
    PyObject *first = PyList_GET_ITEM(list, 0);
    return !first                      ? nothing
           : PyLong_CheckExact(first)  ? of_ints(list)
           : PyFloat_CheckExact(first) ? of_floats(list)
                                       : nothing;
}

/* 3.11's word for weak references is behind, where no type of C's had one. */
static uint64_t weak_word(const PyTypeObject *type)
{
    const PyTypeObject *base = type;
    while (base->tp_base && base->tp_flags & Py_TPFLAGS_HEAPTYPE)
        base = base->tp_base;
    return type->tp_weaklistoffset > 0 && !base->tp_weaklistoffset ? WORD : 0;
}

/* Without a dict the words before the instance go, which are for it and for weak references. */
struct mp_wasted mp_wasted_attributes(PyObject *object)
{
    Py_ssize_t slots = mp_attributes_count(object);
    PyObject *dict = slots < 0 ? NULL : mp_attributes_dict(object);
    uint64_t own = dict ? mp_size_of(dict) : 0, then = (uint64_t)slots * WORD;
    uint64_t now = BEFORE + weak_word(Py_TYPE(object)) + mp_attributes_bytes(object) + own;
    if (slots < 0 || now <= then)
        return nothing;
    struct mp_wasted wasted = saved_of(object, MP_WASTE_DICTS, now - then);
    wasted.bytes += own;
    return wasted;
}
