#include "capture/heap/python/tags.h"

#include <stdlib.h>
#include <string.h>

#include "capture/heap/python/threads.h"

static const char others[] = "(other tags)";

bool mp_tags_are_used;
static PyObject *variable; /* owned */
static char
    *words[MP_HEAP_TAGS_MOST + 2]; /* owned; by number, the last of them for all others */
static int count;

enum { NUMBER, OUTER };

static int begin(void)
{
    if (!variable)
        variable = PyContextVar_New("memory_profiler_tag", NULL);
    mp_tags_are_used = variable != NULL;
    return variable ? 0 : -1;
}

int mp_tags_number(const char *word, size_t length)
{
    if (begin())
        return -1;
    bool is_full = count == MP_HEAP_TAGS_MOST;
    char *copy = is_full ? strdup(others) : strndup(word, length);
    if (is_full && words[count + 1]) {
        free(copy);
        return count + 1;
    }
    if (!copy) {
        PyErr_NoMemory();
        return -1;
    }
    words[count + 1] = copy;
    return is_full ? count + 1 : ++count;
}

/* What the variable has: an entry, or None. Owned; NULL with an exception. */
static PyObject *now(void)
{
    PyObject *value = NULL;
    if (PyContextVar_Get(variable, Py_None, &value))
        return NULL;
    return value;
}

/* Another than we may have set it: it is reached through the context. */
static bool is_entry(PyObject *value)
{
    return PyTuple_CheckExact(value) && PyTuple_GET_SIZE(value) == 2 &&
           PyLong_CheckExact(PyTuple_GET_ITEM(value, NUMBER));
}

static long number_of(PyObject *entry)
{
    return PyLong_AsLong(PyTuple_GET_ITEM(entry, NUMBER));
}

static int set(PyObject *entry)
{
    struct mp_hooked *mine = mp_hooked_own;
    bool aside = mine && mine->aside;
    if (mine)
        mine->aside = true;
    PyObject *token = PyContextVar_Set(variable, entry);
    Py_XDECREF(token);
    if (mine) {
        mine->aside = aside;
        mine->tag_changed = true;
    }
    return token ? 0 : -1;
}

int mp_tags_enter(PyObject *number, PyObject **entry)
{
    PyObject *outer = now();
    if (!outer)
        return -1;
    PyObject *inner = *entry && PyTuple_GET_ITEM(*entry, OUTER) == outer
                          ? Py_NewRef(*entry)
                          : PyTuple_Pack(2, number, outer);
    Py_DECREF(outer);
    if (!inner)
        return -1;
    Py_XSETREF(*entry, inner);
    return set(inner);
}

/* The entries without the innermost of this number; the same where there is none. Owned. */
static PyObject *without(PyObject *entry, long number)
{
    if (!is_entry(entry))
        return Py_NewRef(entry);
    PyObject *outer = PyTuple_GET_ITEM(entry, OUTER);
    if (number_of(entry) == number)
        return Py_NewRef(outer);
    if (Py_EnterRecursiveCall(" where a tag is left"))
        return NULL;
    PyObject *rest = without(outer, number), *made = NULL;
    Py_LeaveRecursiveCall();
    if (rest)
        made = rest == outer ? Py_NewRef(entry)
                             : PyTuple_Pack(2, PyTuple_GET_ITEM(entry, NUMBER), rest);
    Py_XDECREF(rest);
    return made;
}

int mp_tags_leave(PyObject *number)
{
    PyObject *entry = now(), *rest = entry ? without(entry, PyLong_AsLong(number)) : NULL;
    int failed = rest ? 0 : -1;
    if (rest && rest != entry)
        failed = set(rest);
    Py_XDECREF(rest);
    Py_XDECREF(entry);
    return failed;
}

int mp_tags_number_now(void)
{
    PyObject *value = NULL;
    if (!variable || PyContextVar_Get(variable, NULL, &value) || !value)
        return 0;
    long number = is_entry(value) ? number_of(value) : 0;
    Py_DECREF(value); /* the context has it */
    return number > 0 && number <= MP_HEAP_TAGS_MOST + 1 && words[number] ? (int)number : 0;
}

const char *mp_tags_word(int number)
{
    return words[number];
}
