/* What a heap capture holds, running or ended: totals, lines, the words at the end. */
#include "python/heap.h"

#include <stdlib.h>
#include <unistd.h>

#include "aggregate/heap/lines.h"
#include "aggregate/heap/mine.h"
#include "aggregate/heap/paths.h"
#include "python/values.h"
#include "report/heap/closing.h"

/* What there is to see of it: its file or, while it runs inside another, a copy of its part of that
   one's. */
struct seen {
    struct mp_heap_file copy;
    const struct mp_nest *nest;
    struct mp_heap *heap;
    int failed;
};

static void copy_part(void *context)
{
    struct seen *seen = context;
    seen->failed = mp_nest_copy(seen->nest, &seen->copy.heap, NULL);
}

/* 0, or -1 with an exception. */
static int see(struct mp_heap_object *self, struct seen *seen)
{
    *seen = (struct seen){.copy.fd = -1, .nest = self->nest, .heap = &self->file.heap};
    if (!self->opened) {
        PyErr_SetString(PyExc_RuntimeError, "this tracker was not started");
        return -1;
    }
    if (!self->recording || !self->nest || self->pid != getpid())
        return 0;
    seen->heap = &seen->copy.heap;
    seen->failed = mp_heap_file_open(&seen->copy, -1, NULL, self->file.heap.header->most);
    if (!seen->failed)
        mp_hooks_pause(copy_part, seen);
    if (!seen->failed)
        return 0;
    mp_heap_file_release(&seen->copy);
    PyErr_NoMemory();
    return -1;
}

/* Children of the run that are counted, and have no capture. */
static uint64_t left_out(const struct mp_heap_header *first)
{
    uint64_t most = mp_heap_children_most(first);
    return first->children > most ? first->children - most : 0;
}

PyObject *mp_heap_object_figures(struct mp_heap_object *self, PyObject *ignored)
{
    (void)ignored;
    struct seen seen;
    if (see(self, &seen))
        return NULL;
    /* before the dictionary's own blocks count */
    struct mp_heap_header now = *seen.heap->header;
    struct mp_heap_view view = mp_heap_view_of(seen.heap);
    struct mp_heap_totals totals = mp_heap_totals(&view);
    mp_heap_file_release(&seen.copy);
    return Py_BuildValue(
        "{sLsLsLsKsKsKsKsKsKsKsKsKsKsisisOsKsKsKsK}", "live", now.live, "peak", now.peak,
        "peak_time", now.peak_time, "live_blocks", totals.live_blocks, "peak_blocks",
        totals.peak_blocks, "total", totals.total, "allocations", totals.blocks, "frees",
        totals.frees, "temporary", totals.temporary, "untracked", now.untracked,
        "shortened", now.shortened, "misplaced", now.misplaced, "most", now.most,
        "in_memory", self->file.in_memory, "error", self->file.error, "native",
        now.followed & 1 << MP_HEAP_MALLOC ? Py_True : Py_False, "sample", now.sample,
        "run", now.run, "children", now.children, "children_left_out", left_out(&now));
}

PyObject *mp_heap_text_object(const struct mp_heap_view *view, struct mp_heap_text text)
{
    return PyUnicode_DecodeUTF8(view->text + text.offset, (Py_ssize_t)text.length,
                                "surrogateescape");
}

static PyObject *row_of(const struct mp_heap_view *view, const struct mp_heap_line *line)
{
    const struct mp_heap_code *code = &view->codes[line->code];
    PyObject *file = mp_heap_text_object(view, code->file),
             *name = mp_heap_text_object(view, code->name);
    if (!file || !name) {
        Py_XDECREF(file);
        Py_XDECREF(name);
        return NULL;
    }
    return Py_BuildValue("(NiNLLKKKKK)", file, line->line, name, line->at_peak, line->live,
                         line->blocks_at_peak, line->live_blocks, line->total, line->blocks,
                         line->temporary);
}

struct looking {
    struct mp_heap *heap;
    struct mp_heap_view view;
    struct mp_heap_own own;
    struct mp_heap_lines lines;
    int failed;
};

/* Runs while nobody writes; allocates with malloc only. */
static void look(void *context)
{
    struct looking *looking = context;
    looking->view = mp_heap_view_of(looking->heap);
    looking->failed =
        mp_heap_own_init(&looking->own, &looking->view) ||
        mp_heap_lines_init_uncalled(&looking->lines, &looking->view, &looking->own);
    mp_heap_own_release(&looking->own);
}

static PyObject *rows(const struct looking *looking, Py_ssize_t count)
{
    PyObject *list = PyList_New(0);
    for (Py_ssize_t i = 0; list && i < count && (size_t)i < looking->lines.count; i++) {
        if (mp_list_take(list, row_of(&looking->view, &looking->lines.lines[i])))
            Py_CLEAR(list);
    }
    return list;
}

PyObject *mp_heap_object_top(struct mp_heap_object *self, PyObject *args)
{
    Py_ssize_t count;
    int order;
    struct seen seen;
    if (!PyArg_ParseTuple(args, "ni", &count, &order) || see(self, &seen))
        return NULL;
    if (seen.heap->is_cut) {
        mp_heap_file_release(&seen.copy);
        return PyList_New(0); /* what is left of the tables means nothing */
    }
    struct looking looking = {.heap = seen.heap};
    if (self->recording && !self->nest && !self->over)
        mp_hooks_pause(look, &looking);
    else
        look(&looking);
    PyObject *list = looking.failed ? PyErr_NoMemory() : NULL;
    if (!looking.failed) {
        mp_heap_lines_sort(&looking.lines, &looking.view, (enum mp_heap_order)order);
        list = rows(&looking, count);
        mp_heap_lines_release(&looking.lines);
    }
    mp_heap_file_release(&seen.copy);
    return list;
}

static int put_closing(FILE *out, const struct mp_heap_view *view)
{
    struct mp_heap_own own;
    struct mp_heap_paths paths = {0};
    char *here = getcwd(NULL, 0);
    struct mp_heap_style style = {.utf8 = true, .paths = &paths};
    struct mp_heap_mine mine = {0};
    mp_heap_mine_add_list(&mine, getenv("MPROF_MINE"));
    int failed = mp_heap_own_init(&own, view) || mp_heap_mine_apply(&mine, &own, view) ||
                 mp_heap_paths_init(&paths, view, here) ||
                 mp_heap_put_closing(out, view, &own, &style);
    mp_heap_paths_release(&paths);
    mp_heap_own_release(&own);
    free(here);
    return failed;
}

PyObject *mp_heap_object_closing(struct mp_heap_object *self, PyObject *ignored)
{
    struct mp_written written;
    (void)ignored;
    if (self->recording || !self->opened)
        return PyErr_Format(PyExc_RuntimeError, "this tracker is running");
    struct mp_heap_view view = mp_heap_view_of(&self->file.heap);
    if (mp_written_open(&written))
        return NULL;
    return mp_written_close(&written, put_closing(written.out, &view), "replace");
}
