/* The live objects of a stretch, for Python. */
#include "python/heap.h"

#include <errno.h>
#include <stdlib.h>

#include "capture/heap/python/found.h"
#include "capture/heap/python/lines.h"
#include "capture/heap/python/recording.h"
#include "python/values.h"

static int by_address(const void *left, const void *right)
{
    const uintptr_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static bool is_known(const struct mp_heap_object *self, PyObject *object)
{
    uintptr_t address = (uintptr_t)object;
    return self->known_count &&
           bsearch(&address, self->known, self->known_count, sizeof address, by_address);
}

/* 0, or -1 with errno. */
static int find(struct mp_found *found, const struct mp_nest *nest)
{
    size_t nodes = mp_recording.heap->header->counts[MP_HEAP_NODES];
    uint8_t *wanted = calloc(nodes + 1, 1);
    *found = (struct mp_found){0};
    if (!wanted) {
        errno = ENOMEM;
        return -1;
    }
    for (uint32_t i = nest->first; i < nodes; i++)
        wanted[i] = mp_nest_has(nest, i);
    int failed = mp_found_init(found, wanted, nodes);
    free(wanted);
    return failed;
}

/* Its row: ([object], frames), made when the first object of its stack comes. Borrowed; NULL with MemoryError. */
static PyObject *row_of(PyObject *list, PyObject **rows, uint32_t stack,
                        const struct mp_heap_frames *all)
{
    if (rows[stack])
        return rows[stack];
    PyObject *frames = mp_heap_frames_of(all, stack);
    PyObject *row = frames ? Py_BuildValue("([]N)", frames) : NULL;
    rows[stack] = row;
    return mp_list_take(list, row) ? NULL : row;
}

/* [([object], frames)] of each stack. */
static PyObject *list_of(const struct mp_heap_object *self, const struct mp_found *found)
{
    struct mp_heap_view view = mp_heap_view_of(mp_recording.heap);
    struct mp_heap_frames *all = mp_heap_frames_new(&view);
    PyObject **rows = calloc(view.counts[MP_HEAP_NODES] + 1, sizeof(PyObject *));
    PyObject *list = !all ? NULL : rows ? PyList_New(0) : PyErr_NoMemory();
    for (size_t i = 0; list && i < found->count; i++) {
        PyObject *object = found->objects[i];
        if (is_known(self, object))
            continue;
        PyObject *row = row_of(list, rows, found->stacks[i], all);
        if (!row || PyList_Append(PyTuple_GET_ITEM(row, 0), object))
            Py_CLEAR(list);
    }
    free(rows);
    mp_heap_frames_free(all);
    return list;
}

/* 0, or -1 without memory. */
static int keep_addresses(struct mp_heap_object *self, const struct mp_found *found)
{
    free(self->known);
    self->known = calloc(found->count + 1, sizeof *self->known);
    self->known_count = self->known ? found->count : 0;
    for (size_t i = 0; i < self->known_count; i++)
        self->known[i] = (uintptr_t)found->objects[i];
    if (self->known_count)
        qsort(self->known, self->known_count, sizeof *self->known, by_address);
    return self->known ? 0 : -1;
}

/* With what is found, which lives as long as no garbage is collected. */
static PyObject *look(struct mp_heap_object *self, bool only_know)
{
    struct mp_found found;
    PyObject *result = NULL;
    if (!mp_heap_object_is_counted(self))
        return PyErr_Format(PyExc_RuntimeError, "nothing of this is counted any more");
    bool aside = mp_hooks_set_aside(true);
    int collects = PyGC_Disable();
    int failed = find(&found, self->nest);
    if (failed && errno == ESTALE)
        PyErr_SetString(PyExc_RuntimeError, MP_HEAP_OBJECT_LOST);
    else if (failed || (only_know && keep_addresses(self, &found)))
        PyErr_NoMemory();
    else
        result = only_know ? Py_NewRef(Py_None) : list_of(self, &found);
    mp_found_release(&found);
    if (collects)
        PyGC_Enable();
    mp_hooks_set_aside(aside);
    return result;
}

PyObject *mp_heap_object_know(struct mp_heap_object *self, PyObject *ignored)
{
    (void)ignored;
    return look(self, true);
}

PyObject *mp_heap_object_survivors(struct mp_heap_object *self, PyObject *ignored)
{
    (void)ignored;
    return look(self, false);
}
