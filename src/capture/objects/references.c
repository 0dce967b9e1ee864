#include "capture/objects/references.h"

#include <string.h>

static bool is_tracked_kind(PyObject *object)
{
    const PyTypeObject *type = Py_TYPE(object);
    return PyType_HasFeature((PyTypeObject *)type, Py_TPFLAGS_HAVE_GC) &&
           type->tp_traverse && (!type->tp_is_gc || type->tp_is_gc(object));
}

/* Keys that are all text are passed over by tp_traverse. Those of a split dict are its class's. */
static void visit_dict(PyObject *dict, visitproc visit, void *context)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    bool whole = PyDict_CheckExact(dict), split = ((PyDictObject *)dict)->ma_values;
    while (PyDict_Next(dict, &at, &key, &value)) {
        if (!split && (whole || PyUnicode_CheckExact(key)))
            visit(key, context);
        if (whole)
            visit(value, context);
    }
}

static void visit_one(PyObject *object, visitproc visit, void *context)
{
    if (object)
        visit(object, context);
}

static void visit_code(const PyCodeObject *code, visitproc visit, void *context)
{
    PyObject *const parts[] = {
        code->co_consts,          code->co_names,     code->co_localsplusnames,
        code->co_localspluskinds, code->co_filename,  code->co_name,
        code->co_qualname,        code->co_linetable, code->co_exceptiontable};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(parts); i++)
        visit_one(parts[i], visit, context);
}

/* A class of C has no traverse. What it holds may be the interpreter's, and then is not there. */
static void visit_static_type(const PyTypeObject *type, visitproc visit, void *context)
{
    visit_one(type->tp_dict, visit, context);
    visit_one(type->tp_bases, visit, context);
}

/* So that most objects are passed over at once. */
static bool gives_buffer(const PyTypeObject *type)
{
    return type->tp_as_buffer && type->tp_as_buffer->bf_getbuffer;
}

bool mp_ndarray_of(const PyObject *object, struct mp_ndarray *array)
{
    struct layout {
        PyObject_HEAD char *data;
        int dimensions;
        Py_ssize_t *shape, *strides;
        PyObject *base, *dtype;
        int flags;
    };
    enum { OWNS_DATA = 4, KIND = sizeof(PyObject) + sizeof(void *) };
    const PyTypeObject *type = gives_buffer(Py_TYPE(object)) ? Py_TYPE(object) : NULL;
    while (type && strcmp(type->tp_name, "numpy.ndarray") != 0)
        type = type->tp_base;
    if (!type || (size_t)type->tp_basicsize < sizeof(struct layout))
        return false;
    const struct layout *its = (const struct layout *)object;
    *array = (struct mp_ndarray){
        its->data,       its->shape, its->strides,          its->base, its->dtype,
        its->dimensions, 0,          its->flags & OWNS_DATA};
    if (its->dtype)
        array->kind = ((const char *)its->dtype)[KIND];
    return true;
}

/* Behind the kind of a dtype: a letter, the order of bytes, flags, the number of the type, of which some are as
   NumPy's first version had them. */
bool mp_ndarray_is_word(const struct mp_ndarray *array)
{
    struct layout {
        PyObject_HEAD PyTypeObject *scalar;
        char kind, letter, order, flags;
        int number;
    };
    enum { LONG = 7, LONG_LONG = 9, DOUBLE = 12 };
    const struct layout *dtype = (const struct layout *)array->dtype;
    return dtype && (dtype->order == '=' || dtype->order == '|') &&
           (dtype->number == LONG || dtype->number == LONG_LONG || dtype->number == DOUBLE);
}

uint64_t mp_ndarray_bytes(const struct mp_ndarray *array)
{
    uint64_t most = sizeof(void *);
    for (int i = 0; i < array->dimensions; i++) {
        Py_ssize_t stride = array->strides[i] < 0 ? -array->strides[i] : array->strides[i];
        uint64_t bytes = (uint64_t)stride * (uint64_t)array->shape[i];
        if (!array->shape[i])
            return 0;
        most = bytes > most ? bytes : most;
    }
    return most;
}

static void visit_ndarray(const struct mp_ndarray *array, visitproc visit, void *context)
{
    visit_one(array->base, visit, context);
    visit_one(array->dtype, visit, context);
    if (!array->owns || array->kind != 'O' || !array->data)
        return;
    PyObject *const *elements = (PyObject *const *)array->data;
    size_t count = mp_ndarray_bytes(array) / sizeof *elements;
    for (size_t i = 0; i < count; i++)
        visit_one(elements[i], visit, context);
}

/* Few types are no kind of the collector's and hold something: the flags of a type tell most apart. */
static void visit_untracked(PyObject *object, visitproc visit, void *context)
{
    struct mp_ndarray array;
    if (PyCode_Check(object))
        visit_code((PyCodeObject *)object, visit, context);
    else if (PyType_Check(object))
        visit_static_type((PyTypeObject *)object, visit, context);
    else if (mp_ndarray_of(object, &array))
        visit_ndarray(&array, visit, context);
}

void mp_references_visit(PyObject *object, visitproc visit, void *context)
{
    struct mp_ndarray array;
    if (!is_tracked_kind(object)) {
        visit_untracked(object, visit, context);
        return;
    }
    if (PyDict_Check(object))
        visit_dict(object, visit, context);
    else if (mp_ndarray_of(object, &array))
        visit_ndarray(&array, visit, context); /* a class of the user's that is one */
    if (!PyDict_CheckExact(object))
        Py_TYPE(object)->tp_traverse(object, visit, context);
}
