/* What the blocks of a heap capture are: counted when it is asked, or when it ends and that is cheap. */
#include "python/heap.h"

#include <errno.h>

#include "aggregate/heap/types.h"
#include "capture/heap/python/lines.h"
#include "capture/heap/python/recording.h"
#include "python/values.h"

enum {
    CHEAP = 8 << 20,     /* blocks that are looked at in 200 ms, */
    MOST_ROWS = 1 << 16, /* rows that a capture keeps, */
    SHARE_OF_FILE = 16   /* in at most that part of what it may have */
};

/* A line that no longer is, as one of ours: nowhere. */
static const struct mp_heap_line nowhere;

static PyObject *row_object(const struct mp_heap_view *view,
                            const struct mp_heap_type_row *row,
                            const struct mp_heap_typing *typing,
                            const struct mp_heap_line *line)
{
    const struct mp_heap_code *code = &view->codes[line->code];
    struct mp_heap_view names = {.text = typing->text};
    PyObject *type = mp_heap_text_object(&names, row->name);
    PyObject *file = mp_heap_text_object(view, code->file);
    PyObject *function = mp_heap_text_object(view, code->name);
    if (type && file && function)
        return Py_BuildValue("(NNiNLLLL)", type, file, line->line, function,
                             (long long)row->blocks, (long long)row->bytes,
                             (long long)row->kept_blocks, (long long)row->kept);
    Py_XDECREF(type);
    Py_XDECREF(file);
    Py_XDECREF(function);
    return NULL;
}

/* `lines` NULL: rows are types. */
static PyObject *list_of(const struct mp_heap_view *view,
                         const struct mp_heap_typing *typing,
                         const struct mp_heap_lines *lines)
{
    struct mp_heap_type_rows rows;
    if (mp_heap_type_rows_init(&rows, typing, lines ? lines->places : NULL))
        return PyErr_NoMemory();
    const struct mp_heap_line **by_number = lines ? mp_heap_lines_by_number(lines) : NULL;
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < rows.count; i++) {
        const struct mp_heap_line *line = by_number && rows.rows[i].line != MP_HEAP_NO_LINE
                                              ? by_number[rows.rows[i].line]
                                              : NULL;
        PyObject *row = row_object(view, &rows.rows[i], typing, line ? line : &nowhere);
        if (!row || PyList_Append(list, row))
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    free(by_number);
    mp_heap_type_rows_release(&rows);
    return list;
}

static PyObject *show(const struct mp_heap_view *view, const struct mp_heap_typing *typing,
                      bool by_line)
{
    struct mp_heap_own own;
    struct mp_heap_lines lines;
    if (!by_line)
        return list_of(view, typing, NULL);
    if (mp_heap_own_init(&own, view))
        return PyErr_NoMemory();
    int failed = mp_heap_lines_init_uncalled(&lines, view, &own);
    PyObject *list = failed ? PyErr_NoMemory() : list_of(view, typing, &lines);
    if (!failed)
        mp_heap_lines_release(&lines);
    mp_heap_own_release(&own);
    return list;
}

/* Of what is live now. Stacks are the whole recording's, also of a part. */
static PyObject *count_now(struct mp_heap_object *self, bool by_line)
{
    struct mp_census census;
    if (mp_census_take(&census, self->nest)) {
        int why = errno;
        mp_census_release(&census);
        if (why == ENOMEM)
            return PyErr_NoMemory();
        return PyErr_Format(PyExc_RuntimeError, why == ESTALE ? MP_HEAP_OBJECT_LOST
                                                              : "the recording has ended");
    }
    struct mp_heap_typing typing = {census.types, census.rows, census.text,
                                    census.type_count, census.row_count};
    struct mp_heap_view view = mp_heap_view_of(mp_recording.heap);
    PyObject *list = show(&view, &typing, by_line);
    mp_census_release(&census);
    return list;
}

PyObject *mp_heap_object_types(struct mp_heap_object *self, PyObject *by_line)
{
    if (mp_heap_object_is_counted(self))
        return count_now(self, PyObject_IsTrue(by_line) == 1);
    if (!self->opened)
        return PyErr_Format(PyExc_RuntimeError, "this tracker was not started");
    if (self->recording && !self->over && self->pid == getpid())
        return count_now(self, PyObject_IsTrue(by_line) == 1);
    struct mp_heap_view view = mp_heap_view_of(&self->file.heap);
    struct mp_heap_typing typing = mp_heap_typing_of(&view);
    if (!typing.type_count)
        Py_RETURN_NONE;
    return show(&view, &typing, PyObject_IsTrue(by_line) == 1);
}

struct keeping {
    struct mp_heap *heap;
    struct mp_heap_counted counted;
};

/* Threads without the interpreter's lock write stacks into the file until it ends: not meanwhile. */
static void keep_paused(void *context)
{
    const struct keeping *keeping = context;
    mp_heap_keep_types(keeping->heap, &keeping->counted);
}

/* Nodes that had no room are their callers' in the copy. */
void mp_heap_object_keep_inner_types(struct mp_heap_object *self, struct mp_census *census,
                                     const uint32_t *numbers)
{
    uint32_t first = self->nest->first;
    for (size_t i = 0; i < census->row_count; i++) {
        uint32_t *node = &census->rows[i].node;
        *node = *node >= first ? numbers[*node - first] : 0;
    }
    struct mp_heap_counted counted = mp_heap_object_counted(census);
    mp_heap_keep_types(&self->file.heap, &counted);
}

void mp_heap_object_keep_types(struct mp_heap_object *self)
{
    struct mp_heap *heap = &self->file.heap;
    struct mp_census census;
    mp_heap_drop_asked(heap);
    if (heap->is_cut || self->types == MP_TYPES_NEVER ||
        (self->types == MP_TYPES_CHEAP && mp_census_blocks() > CHEAP))
        return;
    if (!mp_census_take(&census, NULL)) {
        bool aside = mp_hooks_set_aside(true);
        size_t most = heap->header->most / SHARE_OF_FILE / sizeof *census.rows;
        mp_census_shorten(&census, most < MOST_ROWS ? most : MOST_ROWS);
        struct keeping keeping = {heap, mp_heap_object_counted(&census)};
        mp_hooks_pause(keep_paused, &keeping);
        mp_hooks_set_aside(aside);
    }
    mp_census_release(&census);
}
