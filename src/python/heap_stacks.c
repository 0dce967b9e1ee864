/* The call stacks of a heap capture that has ended, for Python. */
#include "python/heap.h"

#include <stdlib.h>

#include "aggregate/heap/own.h"
#include "aggregate/heap/stacks.h"
#include "python/values.h"

struct sum {
    uint32_t node; /* the first of a stack */
    uint64_t bytes, blocks, weight;
};

struct mp_heap_frames {
    struct mp_heap_view view;
    struct mp_heap_stacks stacks;
    struct mp_heap_own own;
};

struct stacks {
    struct mp_heap_frames *frames; /* owned */
    struct sum *sums;
    size_t count;
};

enum whose { OTHERS, USERS, OURS };

static int by_weight(const void *left, const void *right)
{
    const struct sum *a = left, *b = right;
    if (a->weight != b->weight)
        return a->weight < b->weight ? 1 : -1;
    return a->node < b->node ? -1 : a->node > b->node;
}

static void add(struct stacks *all, struct sum *sum, uint32_t number,
                enum mp_heap_order order)
{
    const struct mp_heap_view *view = &all->frames->view;
    const struct mp_heap_node *node = &view->nodes[number];
    int64_t bytes =
        order == MP_HEAP_BY_PEAK ? mp_heap_at_peak(view, node) : mp_heap_live(node);
    uint64_t blocks = order == MP_HEAP_BY_PEAK ? mp_heap_blocks_at_peak(view, node)
                                               : mp_heap_live_blocks(node);
    if (order == MP_HEAP_BY_CHURN) {
        bytes = node->total > INT64_MAX ? INT64_MAX : (int64_t)node->total;
        blocks = node->temporary;
    }
    sum->bytes += bytes > 0 ? (uint64_t)bytes : 0;
    sum->blocks += blocks;
    sum->weight = order == MP_HEAP_BY_CHURN ? sum->blocks : sum->bytes;
}

/* Stacks that read the same are one, and so are the kinds of memory that one asked for. */
static int sum_up(struct stacks *all, enum mp_heap_order order)
{
    size_t nodes = all->frames->view.counts[MP_HEAP_NODES];
    all->sums = calloc(nodes + 1, sizeof *all->sums);
    if (!all->sums)
        return -1;
    for (size_t i = 0; i < nodes; i++) {
        all->sums[i].node = (uint32_t)i;
        add(all, &all->sums[all->frames->stacks.first[i]], (uint32_t)i, order);
    }
    qsort(all->sums, nodes, sizeof *all->sums, by_weight);
    while (all->count < nodes && all->sums[all->count].weight)
        all->count++;
    return 0;
}

static PyObject *frame_of(const struct mp_heap_frames *all, uint32_t number)
{
    const struct mp_heap_node *node = &all->view.nodes[number];
    const struct mp_heap_code *code = &all->view.codes[node->code];
    enum whose whose = mp_heap_own_is_ours(&all->own, number)        ? OURS
                       : mp_heap_own_is_users(&all->own, node->code) ? USERS
                                                                     : OTHERS;
    PyObject *file = mp_heap_text_object(&all->view, code->file);
    PyObject *name = mp_heap_text_object(&all->view, code->name);
    if (file && name)
        return Py_BuildValue("(NiNi)", file, all->stacks.lines[number], name, (int)whose);
    Py_XDECREF(file);
    Py_XDECREF(name);
    return NULL;
}

PyObject *mp_heap_frames_of(const struct mp_heap_frames *all, uint32_t node)
{
    PyObject *list = PyList_New(0);
    for (; list && node; node = all->view.nodes[node].parent) {
        if (mp_heap_is_border(&all->view.nodes[node]))
            continue;
        if (mp_list_take(list, frame_of(all, node)))
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *list_of(const struct stacks *all)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < all->count; i++) {
        const struct sum *sum = &all->sums[i];
        PyObject *frames = mp_heap_frames_of(all->frames, sum->node);
        PyObject *row = frames ? Py_BuildValue("(KKN)", (unsigned long long)sum->bytes,
                                               (unsigned long long)sum->blocks, frames)
                               : NULL;
        if (mp_list_take(list, row))
            Py_CLEAR(list);
    }
    return list;
}

void mp_heap_frames_free(struct mp_heap_frames *all)
{
    if (!all)
        return;
    mp_heap_stacks_release(&all->stacks);
    mp_heap_own_release(&all->own);
    free(all);
}

struct mp_heap_frames *mp_heap_frames_new(const struct mp_heap_view *view)
{
    struct mp_heap_frames *all = calloc(1, sizeof *all);
    if (all)
        all->view = *view;
    if (all && !mp_heap_own_init(&all->own, &all->view) &&
        !mp_heap_stacks_init(&all->stacks, &all->view))
        return all;
    mp_heap_frames_free(all);
    PyErr_NoMemory();
    return NULL;
}

PyObject *mp_heap_stacks_list(const struct mp_heap_view *view, enum mp_heap_order order)
{
    struct stacks all = {.frames = mp_heap_frames_new(view)};
    if (!all.frames)
        return NULL;
    PyObject *list = sum_up(&all, order) ? PyErr_NoMemory() : list_of(&all);
    free(all.sums);
    mp_heap_frames_free(all.frames);
    return list;
}

PyObject *mp_heap_object_stacks(struct mp_heap_object *self, PyObject *args)
{
    int order;
    if (!PyArg_ParseTuple(args, "i", &order))
        return NULL;
    if (self->recording || !self->opened)
        return PyErr_Format(PyExc_RuntimeError, "this capture has not ended");
    if (self->file.heap.is_cut)
        return PyList_New(0);
    struct mp_heap_view view = mp_heap_view_of(&self->file.heap);
    return mp_heap_stacks_list(&view, (enum mp_heap_order)order);
}
