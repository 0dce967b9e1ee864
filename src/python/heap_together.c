/* What the captures of several processes come to, for Python. */
#include "python/door.h"

#include <stdlib.h>

#include "aggregate/heap/merge.h"
#include "aggregate/heap/series.h"
#include "python/heap.h"
#include "store/heap/read.h"

struct family {
    struct mp_heap_capture *captures; /* owned */
    size_t count;
};

static void release(struct family *family)
{
    for (size_t i = 0; i < family->count; i++)
        mp_heap_capture_release(&family->captures[i]);
    free(family->captures);
}

/* What cannot be read is left out. 0, or -1 with an exception set. */
static int read_all(struct family *family, PyObject *paths)
{
    Py_ssize_t count = PyList_GET_SIZE(paths);
    family->captures = calloc((size_t)count + 1, sizeof *family->captures);
    if (!family->captures) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *path;
        if (!PyUnicode_FSConverter(PyList_GET_ITEM(paths, i), &path))
            return -1;
        struct mp_heap_capture *capture = &family->captures[family->count];
        if (mp_heap_read(capture, PyBytes_AS_STRING(path)) == MP_HEAP_OK)
            family->count++;
        else
            mp_heap_capture_release(capture);
        Py_DECREF(path);
    }
    return 0;
}

static bool was_there(const struct mp_heap_capture *capture, int64_t wall)
{
    const struct mp_heap_header *header = capture->view.header;
    return wall >= header->wall_start &&
           (capture->view.lives || wall - header->wall_start <= header->elapsed);
}

/* Those that were there at a time, ns since 1970; 0: all. */
static int merge_those(struct mp_heap_merge *merge, const struct family *family,
                       int64_t wall)
{
    int failed = mp_heap_merge_init(merge);
    for (size_t i = 0; !failed && i < family->count; i++)
        if (!wall || was_there(&family->captures[i], wall))
            failed = mp_heap_merge_add(merge, &family->captures[i].view);
    return failed;
}

/* When all held most, ns since 1970, and how much. 0, or -1 without memory. */
static int find_peak(const struct family *family, int64_t *wall, int64_t *bytes)
{
    struct mp_heap_merge merge;
    int failed = merge_those(&merge, family, 0);
    if (!failed) {
        struct mp_heap_view view = mp_heap_merge_view(&merge);
        const struct mp_heap_point *peak = mp_heap_marks(&view).peak;
        *bytes = peak ? peak->heap : 0;
        *wall = peak ? merge.header.wall_start + peak->time : 0;
    }
    mp_heap_merge_release(&merge);
    return failed;
}

static PyObject *figures_of(const struct family *family)
{
    struct mp_heap_merge merge = {0};
    PyObject *stacks;
    int64_t wall = 0, bytes = 0;
    if (find_peak(family, &wall, &bytes) || merge_those(&merge, family, wall)) {
        stacks = PyErr_NoMemory();
    } else {
        struct mp_heap_view view = mp_heap_merge_view(&merge);
        stacks = mp_heap_stacks_list(&view, MP_HEAP_BY_PEAK);
    }
    mp_heap_merge_release(&merge);
    return stacks
               ? Py_BuildValue("(LnN)", (long long)bytes, (Py_ssize_t)family->count, stacks)
               : NULL;
}

static PyObject *together(PyObject *ignored, PyObject *args)
{
    PyObject *paths;
    struct family family = {0};
    (void)ignored;
    if (!PyArg_ParseTuple(args, "O!", &PyList_Type, &paths))
        return NULL;
    PyObject *result = read_all(&family, paths) ? NULL : figures_of(&family);
    release(&family);
    return result;
}

PyMethodDef mp_heap_together_methods[] = {
    {"heap_together", together, METH_VARARGS,
     "heap_together(paths) -> (bytes, processes, stacks) of captures: the most that they held at\n"
     "one moment, as far as they were sampled; how many could be read; the stacks of those that\n"
     "were there then, each at its own peak, as Heap.stacks() has them."},
    {NULL, NULL, 0, NULL},
};
