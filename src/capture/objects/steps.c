#include "capture/objects/steps.h"

#include <internal/pycore_frame.h>

#include <string.h>

#include "capture/objects/attributes.h"
#include "capture/objects/references.h"
#include "capture/objects/roots.h"

enum {
    LONGEST_KEY = 40,
    FEW = 1 << 12, /* keys that an own dict is looked through for */
    SAMPLED = 64,  /* keys that say what all begin with */
    SHORTEST_BEGIN = 3
};

static bool is_own_dict(PyObject *owner, const PyObject *dict)
{
    return owner && dict && PyDict_Check(dict) && mp_attributes_dict(owner) == dict;
}

/* How much a key says to people: Out and table more than _3, that more than _. */
static int clarity(PyObject *key)
{
    Py_ssize_t at = 0;
    if (!PyUnicode_Check(key))
        return 2;
    while (at < PyUnicode_GET_LENGTH(key) && PyUnicode_READ_CHAR(key, at) == '_')
        at++;
    return at == PyUnicode_GET_LENGTH(key) ? 0 : at ? 1 : 2;
}

/* The clearest key of a value. */
static PyObject *key_of(PyObject *dict, const PyObject *wanted)
{
    PyObject *key, *value, *best = NULL;
    Py_ssize_t at = 0;
    for (int clear = -1; clear < 2 && PyDict_Next(dict, &at, &key, &value);) {
        if (value != wanted || clarity(key) <= clear)
            continue;
        best = key;
        clear = clarity(key);
    }
    return best;
}

static Py_ssize_t index_in(PyObject *const *items, Py_ssize_t count, const PyObject *wanted)
{
    Py_ssize_t at = 0;
    while (at < count && items[at] != wanted)
        at++;
    return at < count ? at : -1;
}

static Py_ssize_t index_of(PyObject *sequence, const PyObject *wanted)
{
    if (PyList_Check(sequence))
        return index_in(((PyListObject *)sequence)->ob_item, PyList_GET_SIZE(sequence),
                        wanted);
    return index_in(((PyTupleObject *)sequence)->ob_item, PyTuple_GET_SIZE(sequence),
                    wanted);
}

static bool is_closure(const PyObject *owner, const PyObject *from)
{
    return owner && PyFunction_Check(owner) && PyTuple_Check(from) &&
           ((PyFunctionObject *)owner)->func_closure == from;
}

/* Sets have no names for what is in them. */
static bool is_container(PyObject *from)
{
    return PyList_Check(from) || PyTuple_Check(from) || PyDict_Check(from) ||
           PyAnySet_Check(from) || strcmp(Py_TYPE(from)->tp_name, "collections.deque") == 0;
}

/* What all keys begin with, of the first few; 0 where that says nothing. */
static Py_ssize_t common_begin(PyObject *dict, PyObject **first)
{
    PyObject *key, *value;
    Py_ssize_t at = 0, same = LONGEST_KEY;
    *first = NULL;
    for (int i = 0; i < SAMPLED && PyDict_Next(dict, &at, &key, &value); i++) {
        Py_ssize_t alike = 0;
        if (!PyUnicode_Check(key))
            return 0;
        *first = *first ? *first : key;
        while (alike < same && alike < PyUnicode_GET_LENGTH(key) &&
               alike < PyUnicode_GET_LENGTH(*first) &&
               PyUnicode_READ_CHAR(key, alike) == PyUnicode_READ_CHAR(*first, alike))
            alike++;
        same = alike;
    }
    return *first && same >= SHORTEST_BEGIN ? same : 0;
}

static void put_many(PyObject *dict, struct mp_words *words)
{
    PyObject *first;
    Py_ssize_t begin = common_begin(dict, &first);
    if (!begin) {
        mp_words_put(words, "[…]");
        return;
    }
    mp_words_put(words, "['");
    mp_words_put_text(words, first, begin);
    mp_words_put(words, begin < PyUnicode_GET_LENGTH(first) ? "']" : "…']");
}

static void put_key(PyObject *key, struct mp_words *words)
{
    int overflow = 0;
    mp_words_put(words, "[");
    if (PyUnicode_Check(key)) {
        mp_words_put(words, "'");
        mp_words_put_text(words, key, LONGEST_KEY);
        mp_words_put(words, "'");
    } else if (PyLong_CheckExact(key)) {
        long long number = PyLong_AsLongLongAndOverflow(key, &overflow);
        mp_words_put_number(words, number);
    } else {
        mp_words_put_type(words, Py_TYPE(key));
    }
    mp_words_put(words, "]");
}

static void put_item(const struct mp_step *step, struct mp_words *words)
{
    PyObject *from = step->from, *key;
    Py_ssize_t index;
    if (PyDict_Check(from)) {
        key = key_of(from, step->to);
        if (step->many || !key)
            put_many(from, words);
        else
            put_key(key, words);
        if (!key)
            mp_words_put(words, " (keys)");
    } else if (step->many && PyList_Check(from)) {
        mp_words_put(words, "[…]");
    } else if ((PyList_Check(from) || PyTuple_Check(from)) &&
               (index = index_of(from, step->to)) >= 0) {
        mp_words_put(words, "[");
        mp_words_put_number(words, index);
        mp_words_put(words, "]");
    } else {
        mp_words_put(words, "[…]");
    }
}

/* The name of a closure's variable. */
static void put_closed_over(const struct mp_step *step, struct mp_words *words)
{
    const PyCodeObject *code = (PyCodeObject *)((PyFunctionObject *)step->owner)->func_code;
    Py_ssize_t index = index_of(step->from, step->to);
    Py_ssize_t at = code->co_nlocalsplus - code->co_nfreevars + index;
    mp_words_put(words, ".__closure__");
    if (index >= 0 && at < PyTuple_GET_SIZE(code->co_localsplusnames))
        put_key(PyTuple_GET_ITEM(code->co_localsplusnames, at), words);
}

/* An attribute's key, NULL where it has none. */
static PyObject *attribute_key(const struct mp_step *step)
{
    if (PyDict_Check(step->from))
        return is_own_dict(step->owner, step->from) ? key_of(step->from, step->to) : NULL;
    return mp_attributes_name(step->from, step->to);
}

/* From an object to its own dict, from a closure's cell to what is in there. */
static bool is_silent(const struct mp_step *step)
{
    return is_own_dict(step->from, step->to) || is_closure(step->from, step->to) ||
           PyCell_Check(step->from);
}

/* A generator's, a coroutine's, a traceback's; NULL: it has none. */
static const _PyInterpreterFrame *frame_of(PyObject *object)
{
    if (PyFrame_Check(object))
        return ((PyFrameObject *)object)->f_frame;
    if (!PyGen_Check(object) && !PyCoro_CheckExact(object) &&
        !PyAsyncGen_CheckExact(object))
        return NULL;
    const PyGenObject *generator = (PyGenObject *)object;
    return generator->gi_frame_state < FRAME_CLEARED
               ? (const _PyInterpreterFrame *)&generator->gi_iframe
               : NULL;
}

static PyObject *local_name(const struct mp_step *step)
{
    const _PyInterpreterFrame *frame = frame_of(step->from);
    const PyCodeObject *code = frame ? mp_frame_code(frame) : NULL;
    for (int i = 0; code && PyCode_Check(code) && i < code->co_nlocalsplus; i++)
        if (mp_root_local(frame, i) == step->to)
            return PyTuple_GET_ITEM(code->co_localsplusnames, i);
    return NULL;
}

/* A function's parts are no members of it. */
static const char *member_name(const struct mp_step *step)
{
    const PyFunctionObject *function = (PyFunctionObject *)step->from;
    if (PyFunction_Check(function) && function->func_defaults == step->to)
        return "__defaults__";
    if (PyFunction_Check(function) && function->func_kwdefaults == step->to)
        return "__kwdefaults__";
    return mp_attributes_member(step->from, step->to);
}

/* Of an array of NumPy its base and its dtype; NULL: it is an element, or no array's. */
static const char *array_part(const struct mp_step *step, bool *is_element)
{
    struct mp_ndarray array;
    *is_element = false;
    if (!mp_ndarray_of(step->from, &array))
        return NULL;
    if (array.base == step->to || array.dtype == step->to)
        return array.base == step->to ? "base" : "dtype";
    *is_element = array.kind == 'O';
    return NULL;
}

void mp_step_put(const struct mp_step *step, struct mp_words *words)
{
    bool is_element;
    const char *member = array_part(step, &is_element);
    PyObject *key;
    if (is_silent(step)) {
        if (step->last && is_own_dict(step->from, step->to))
            mp_words_put(words, ".__dict__");
        return;
    }
    if (is_closure(step->owner, step->from)) {
        put_closed_over(step, words);
    } else if ((key = attribute_key(step)) && PyUnicode_Check(key)) {
        mp_words_put(words, ".");
        mp_words_put_text(words, key, LONGEST_KEY);
    } else if (is_container(step->from) || is_element) {
        put_item(step, words);
    } else if ((key = local_name(step))) {
        mp_words_put(words, ".f_locals");
        put_key(key, words);
    } else if (member || (member = member_name(step))) {
        mp_words_put(words, ".");
        mp_words_put(words, member);
    } else {
        mp_words_put(words, " → ");
        mp_words_put_type(words, Py_TYPE(step->to));
    }
}

uintptr_t mp_step_name(const struct mp_step *step)
{
    if (PyDict_Check(step->from) && PyDict_GET_SIZE(step->from) > FEW)
        return 0;
    PyObject *key = attribute_key(step);
    if (key)
        return (uintptr_t)key;
    bool is_element;
    const char *part = array_part(step, &is_element);
    if (is_element || (is_container(step->from) && !is_closure(step->owner, step->from)))
        return 0;
    const char *member = part ? part : member_name(step);
    key = local_name(step);
    return key ? (uintptr_t)key : member ? (uintptr_t)member : (uintptr_t)Py_TYPE(step->to);
}
