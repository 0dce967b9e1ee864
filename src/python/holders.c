/* Who keeps objects alive, for `memory_profiler.heap.holders()`. */
#include "python/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/types.h"
#include "capture/heap/python/found.h"
#include "capture/heap/python/lines.h"
#include "capture/heap/python/recording.h"
#include "capture/heap/python/session.h"
#include "capture/objects/holders.h"
#include "python/door.h"

static PyObject *row_object(const struct mp_holders *holders, const struct mp_holder *row)
{
    PyObject *path =
        PyUnicode_DecodeUTF8(holders->text + row->path, (Py_ssize_t)row->length, "replace");
    if (!path)
        return NULL;
    return Py_BuildValue("(INIKKK)", (unsigned)row->question, path, (unsigned)row->others,
                         (unsigned long long)row->count, (unsigned long long)row->bytes,
                         (unsigned long long)row->retained);
}

static PyObject *answer_object(const struct mp_holders *holders)
{
    PyObject *rows = PyList_New(0);
    for (uint32_t i = 0; rows && i < holders->count; i++) {
        PyObject *row = row_object(holders, &holders->rows[i]);
        if (!row || PyList_Append(rows, row))
            Py_CLEAR(rows);
        Py_XDECREF(row);
    }
    if (!rows)
        return NULL;
    return Py_BuildValue("(NNKKK)", PyBool_FromLong((long)holders->apart), rows,
                         (unsigned long long)holders->objects,
                         (unsigned long long)holders->references,
                         (unsigned long long)holders->retained);
}

PyObject *mp_holders_refuse(void)
{
    if (errno == ENOMEM)
        return PyErr_NoMemory();
    PyErr_SetString(PyExc_RuntimeError,
                    "cannot say who holds objects: a type's tp_traverse broke in the child "
                    "that looked; an extension module is at fault, the program goes on");
    return NULL;
}

static PyObject *find(const struct mp_inquiry *inquiry)
{
    bool interrupted = false, aside = mp_hooks_set_aside(true);
    struct mp_holders *holders = mp_holders_new();
    int failed = holders ? mp_holders_find(holders, inquiry, &interrupted) : -1;
    int error = errno;
    mp_hooks_set_aside(aside);
    errno = error;
    PyObject *answer = interrupted ? NULL
                       : failed    ? mp_holders_refuse()
                                   : answer_object(holders);
    mp_holders_free(holders);
    return answer;
}

/* Of each stack whether its own line is this. */
static void want_line(const struct mp_heap_view *view, const struct mp_heap_lines *lines,
                      const char *place, uint8_t *wanted)
{
    const struct mp_heap_line **by_number = mp_heap_lines_by_number(lines);
    for (size_t i = 0; by_number && i < view->counts[MP_HEAP_NODES]; i++) {
        const struct mp_heap_line *line =
            lines->places[i] ? by_number[lines->places[i]] : NULL;
        wanted[i] = line && mp_heap_line_is(view, line, place);
    }
    free(by_number);
}

/* 0, or -1 with errno. */
static int find_objects(struct mp_found *found, const char *place)
{
    if (!mp_hooks_are_open()) {
        errno = ESRCH;
        return -1;
    }
    struct mp_heap_view view = mp_heap_view_of(mp_recording.heap);
    struct mp_heap_own own;
    struct mp_heap_lines lines;
    size_t nodes = view.counts[MP_HEAP_NODES];
    if (mp_heap_own_init(&own, &view))
        return -1;
    uint8_t *wanted = calloc(nodes + 1, 1);
    int failed = !wanted || mp_heap_lines_init_uncalled(&lines, &view, &own);
    if (!failed) {
        want_line(&view, &lines, place, wanted);
        mp_heap_lines_release(&lines);
        failed = mp_found_init(found, wanted, nodes);
    }
    free(wanted);
    mp_heap_own_release(&own);
    return failed;
}

static PyObject *find_of_line(const char *place, const char *own)
{
    struct mp_found found;
    bool aside = mp_hooks_set_aside(true);
    int failed = find_objects(&found, place);
    mp_hooks_set_aside(aside);
    if (failed && errno == ESRCH)
        return PyErr_Format(PyExc_RuntimeError,
                            "no recording runs, so nobody knows what line %s allocated: "
                            "use heap.track() or heap.start() before",
                            strrchr(place, ':') + 1);
    if (failed && errno == ESTALE)
        return PyErr_Format(PyExc_RuntimeError, MP_HEAP_OBJECT_LOST);
    if (failed)
        return PyErr_NoMemory();
    const struct mp_question question = {
        .kind = MP_ASK_OBJECTS, .objects = found.objects, .count = found.count};
    PyObject *answer =
        find(&(struct mp_inquiry){.questions = &question, .count = 1, .own = own});
    aside = mp_hooks_set_aside(true);
    mp_found_release(&found);
    mp_hooks_set_aside(aside);
    return answer;
}

/* What is asked for is in a list: no reference to it but that is ours. */
static PyObject *find_holders(PyObject *module, PyObject *args)
{
    static const char *const kinds[] = {"largest", "object", "types"};
    const char *kind, *own;
    PyObject *what;
    struct mp_question question = {.kind = MP_ASK_OBJECTS};
    (void)module;
    if (!PyArg_ParseTuple(args, "sO!s", &kind, &PyList_Type, &what, &own))
        return NULL;
    for (unsigned i = 0; i < Py_ARRAY_LENGTH(kinds); i++)
        if (!strcmp(kind, kinds[i]))
            question.kind = (enum mp_question_kind)i;
    question.objects = ((PyListObject *)what)->ob_item;
    question.count = (size_t)PyList_GET_SIZE(what);
    if (question.kind == MP_ASK_OBJECTS ||
        (question.kind == MP_ASK_OBJECT && question.count != 1))
        return PyErr_Format(PyExc_ValueError, "no such question");
    return find(&(struct mp_inquiry){
        .questions = &question, .count = 1, .aside = what, .own = own});
}

static PyObject *find_line_holders(PyObject *module, PyObject *args)
{
    const char *place, *own;
    (void)module;
    if (!PyArg_ParseTuple(args, "ss", &place, &own))
        return NULL;
    if (!strchr(place, ':'))
        return PyErr_Format(PyExc_ValueError, "no line: %s", place);
    return find_of_line(place, own);
}

PyMethodDef mp_holders_methods[] = {
    {"holders", find_holders, METH_VARARGS,
     "holders(kind, what, own): who keeps objects alive: (apart, rows, objects, "
     "references, bytes)."},
    {"line_holders", find_line_holders, METH_VARARGS,
     "line_holders(place, own): the same of what a line allocated: 'app.py:12'."},
    {NULL, NULL, 0, NULL},
};
