/* memory_profiler._core.Tag: a word that holds from the start to the end of a `with` statement. In C,
   since programs set one around each of their requests: bench/tag.py. */
#include "python/door.h"

#include "capture/heap/python/tags.h"
#include "python/values.h"
#include "record/heap.h"

enum { LONGEST = 200 }; /* bytes of a word */

struct tag_object {
    PyObject_HEAD PyObject *word; /* owned */
    PyObject *number;             /* owned */
    PyObject *entry;              /* owned; NULL before it is first entered */
};

static PyObject *numbers; /* owned; of the words that are told apart */

/* The beginning of a word, without what cannot be printed. */
static PyObject *cleaned(PyObject *word)
{
    PyObject *start = PyUnicode_Substring(word, 0, LONGEST), *clean = NULL;
    Py_UCS4 *text = start ? PyUnicode_AsUCS4Copy(start) : NULL;
    for (Py_ssize_t i = 0; text && i < PyUnicode_GET_LENGTH(start); i++)
        if (!Py_UNICODE_ISPRINTABLE(text[i]))
            text[i] = '?';
    if (text)
        clean = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, text,
                                          PyUnicode_GET_LENGTH(start));
    PyMem_Free(text);
    Py_XDECREF(start);
    return clean;
}

static PyObject *number_new(PyObject *word)
{
    Py_ssize_t length;
    PyObject *clean = cleaned(word), *number = NULL;
    const char *text = clean ? PyUnicode_AsUTF8AndSize(clean, &length) : NULL;
    if (text && length > LONGEST)
        for (length = LONGEST; (text[length] & 0xC0) == 0x80;)
            length--; /* not in the middle of a character */
    int found = text ? mp_tags_number(text, (size_t)length) : -1;
    Py_XDECREF(clean);
    if (found > 0)
        number = PyLong_FromLong(found);
    if (number && found <= MP_HEAP_TAGS_MOST && PyDict_SetItem(numbers, word, number))
        Py_CLEAR(number);
    return number;
}

/* Owned; NULL with an exception. */
static PyObject *number_of(PyObject *word)
{
    if (!numbers && !(numbers = PyDict_New()))
        return NULL;
    PyObject *number = PyDict_GetItemWithError(numbers, word);
    if (number)
        return Py_NewRef(number);
    return PyErr_Occurred() ? NULL : number_new(word);
}

static PyObject *tag_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"word", NULL};
    PyObject *word;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:tag", names, &word))
        return NULL;
    if (!PyUnicode_Check(word))
        return PyErr_Format(PyExc_TypeError, "a tag is a str, not %R", word);
    if (!PyUnicode_GET_LENGTH(word)) {
        PyErr_SetString(PyExc_ValueError, "a tag is not empty");
        return NULL;
    }
    PyObject *number = number_of(word);
    struct tag_object *self = number ? (struct tag_object *)type->tp_alloc(type, 0) : NULL;
    if (!self) {
        Py_XDECREF(number);
        return NULL;
    }
    self->word = Py_NewRef(word);
    self->number = number;
    return (PyObject *)self;
}

static void tag_dealloc(struct tag_object *self)
{
    Py_XDECREF(self->word);
    Py_XDECREF(self->number);
    Py_XDECREF(self->entry);
    mp_object_free((PyObject *)self);
}

static PyObject *tag_enter(struct tag_object *self, PyObject *ignored)
{
    (void)ignored;
    PyObject *lost = NULL;
    if (mp_tags_enter(self->number, &self->entry) && !(lost = mp_lose("tags")))
        return NULL;
    Py_XDECREF(lost);
    return Py_NewRef(self);
}

static PyObject *tag_exit(struct tag_object *self, PyObject *const *ignored,
                          Py_ssize_t count)
{
    (void)ignored, (void)count;
    if (mp_tags_leave(self->number))
        return mp_lose("tags");
    Py_RETURN_NONE;
}

static PyObject *tag_word(struct tag_object *self, void *ignored)
{
    (void)ignored;
    return Py_NewRef(self->word);
}

static PyMethodDef methods[] = {
    {"__enter__", (PyCFunction)tag_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))tag_exit, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef getters[] = {
    {"word", (getter)tag_word, NULL, "What was given.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, tag_new},
    {Py_tp_dealloc, tag_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, getters},
    {Py_tp_doc, "Tag(word)\n--\n\nWhat holds in the current context from __enter__() to "
                "__exit__()."},
    {0, NULL},
};

PyType_Spec mp_tag_spec = {
    .name = "memory_profiler._core.Tag",
    .basicsize = sizeof(struct tag_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
