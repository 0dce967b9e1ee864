#include "capture/objects/sizes.h"

#include <string.h>

#include "capture/objects/attributes.h"
#include "capture/objects/references.h"

enum { WORD = sizeof(void *) };

/* The code of a frame or generator, a reference; else NULL. */
static PyCodeObject *code_run_by(PyObject *object)
{
    if (PyFrame_Check(object))
        return PyFrame_GetCode((PyFrameObject *)object);
    if (!PyGen_CheckExact(object) && !PyCoro_CheckExact(object) &&
        !PyAsyncGen_CheckExact(object))
        return NULL;
#if PY_VERSION_HEX >= 0x030C0000
    return PyGen_GetCode((PyGenObject *)object);
#else
    return (PyCodeObject *)Py_NewRef(((PyGenObject *)object)->gi_code);
#endif
}

static size_t items_of(PyObject *object)
{
    PyCodeObject *code = code_run_by(object); /* what has one has items, and no ob_size */
    if (code) {
        size_t slots = (size_t)(code->co_nlocalsplus + code->co_stacksize);
        Py_DECREF(code);
        return slots;
    }
#if PY_VERSION_HEX >= 0x030C0000
    if (PyLong_Check(object))
        return ((PyLongObject *)object)->long_value.lv_tag >> 3;
#endif
    Py_ssize_t size = ((PyVarObject *)object)->ob_size;
    return (size_t)(size < 0 ? -size : size);
}

/* Links of the collector; words of weak references and of the dict. */
static size_t before(const PyTypeObject *type)
{
    const unsigned long managed = 1 << 3 | 1 << 4;
    return (type->tp_flags & Py_TPFLAGS_HAVE_GC ? 2 * WORD : 0) +
           (type->tp_flags & managed ? 2 * WORD : 0);
}

uintptr_t mp_size_block(const PyObject *object)
{
    return (uintptr_t)object - before(Py_TYPE(object));
}

static uint64_t text_size(PyObject *text)
{
    const PyASCIIObject *ascii = (PyASCIIObject *)text;
    size_t length = (size_t)PyUnicode_GET_LENGTH(text) + 1;
    if (PyUnicode_IS_COMPACT_ASCII(text))
        return sizeof *ascii + length;
    size_t header = ascii->state.compact ? sizeof(PyCompactUnicodeObject)
                                         : (size_t)Py_TYPE(text)->tp_basicsize;
    const PyCompactUnicodeObject *compact = (PyCompactUnicodeObject *)text;
    size_t utf8 =
        compact->utf8 && !ascii->state.ascii ? (size_t)compact->utf8_length + 1 : 0;
    return header + length * ascii->state.kind + utf8;
}

static uint64_t set_table(const PySetObject *set)
{
    return set->table == set->smalltable ? 0 : ((size_t)set->mask + 1) * sizeof *set->table;
}

static bool is_named(const PyTypeObject *type, const char *name)
{
    for (; type; type = type->tp_base)
        if (!strcmp(type->tp_name, name))
            return true;
    return false;
}

/* Blocks of 64 items, a link at each end. */
static uint64_t deque_blocks(PyObject *deque)
{
    enum { ITEMS = 64, BLOCK = (ITEMS + 2) * WORD };
    return (items_of(deque) / ITEMS + 1) * BLOCK;
}

/* Behind the header: items, how many there is room for, what they are, whose second word is their size. */
static uint64_t array_items(const PyObject *array)
{
    struct layout {
        PyObject_VAR_HEAD char *items;
        Py_ssize_t room;
        const struct {
            char code;
            int size;
        } * what;
    };
    const struct layout *its = (const struct layout *)array;
    return its->items && its->what ? (uint64_t)its->room * (uint64_t)its->what->size : 0;
}

/* Blocks of types of C that have items elsewhere. */
static uint64_t elsewhere(PyObject *object)
{
    struct mp_ndarray array;
    const PyTypeObject *type = Py_TYPE(object);
    if (mp_ndarray_of(object, &array))
        return (uint64_t)array.dimensions * 2 * WORD +
               (array.owns ? mp_ndarray_bytes(&array) : 0);
    if (type->tp_as_sequence && type->tp_as_sequence->sq_length &&
        is_named(type, "collections.deque"))
        return deque_blocks(object);
    if (type->tp_as_buffer && type->tp_as_buffer->bf_getbuffer &&
        is_named(type, "array.array"))
        return array_items(object);
    return 0;
}

/* From 3.15 on in a bytes object of its own. */
static uint64_t bytearray_data(const PyByteArrayObject *array)
{
    uint64_t bytes = (uint64_t)array->ob_alloc;
#if PY_VERSION_HEX >= 0x030F0000
    bytes += bytes ? offsetof(PyBytesObject, ob_sval) + 1 : 0;
#endif
    return bytes;
}

static uint64_t kept(PyObject *object)
{
    if (PyTuple_Check(object) || PyLong_Check(object) || PyBytes_Check(object))
        return 0;
    if (PyList_Check(object))
        return (uint64_t)((PyListObject *)object)->allocated * WORD;
    if (PyDict_Check(object))
        return mp_attributes_table((PyDictObject *)object);
    if (PyAnySet_Check(object))
        return set_table((PySetObject *)object);
    if (PyByteArray_Check(object))
        return bytearray_data((PyByteArrayObject *)object);
    return elsewhere(object);
}

uint64_t mp_size_of(PyObject *object)
{
    const PyTypeObject *type = Py_TYPE(object);
    if (PyUnicode_Check(object))
        return before(type) + text_size(object);
    uint64_t size = before(type) + (uint64_t)type->tp_basicsize;
    if (type->tp_itemsize > 0)
        size += items_of(object) * (uint64_t)type->tp_itemsize;
    return size + kept(object) + mp_attributes_bytes(object);
}
