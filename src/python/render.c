/* Reports for Python: builds the record of a function from Python values, returns the text. */
#include "python/module.h"

#include <stdlib.h>

#include "report/html.h"
#include "report/json.h"
#include "report/notebook.h"
#include "report/text.h"

/* A function with the Python objects its texts are borrowed from. */
struct function {
    struct mp_function record;
    struct mp_text *lines;
    PyObject *kept; /* list of bytes objects */
};

static int borrow(PyObject *kept, PyObject *string, struct mp_text *text)
{
    PyObject *bytes = PyUnicode_AsEncodedString(string, "utf-8", "surrogatepass");
    if (!bytes || PyList_Append(kept, bytes)) {
        Py_XDECREF(bytes);
        return -1;
    }
    text->bytes = PyBytes_AS_STRING(bytes);
    text->length = (size_t)PyBytes_GET_SIZE(bytes);
    Py_DECREF(bytes); /* `kept` holds it */
    return 0;
}

static void release(struct function *function)
{
    mp_line_table_release(&function->record.table);
    free(function->lines);
    Py_XDECREF(function->kept);
}

static int fill_cells(struct mp_line_table *table, PyObject *cells)
{
    PyObject *line, *cell;
    for (Py_ssize_t at = 0; PyDict_Next(cells, &at, &line, &cell);) {
        long long memory, increment, peak = 0, heap_peak = 0;
        unsigned long long occurrences, allocated = 0, freed = 0;
        if (!PyArg_ParseTuple(cell, "LLK|LKKL", &memory, &increment, &occurrences, &peak,
                              &allocated, &freed, &heap_peak))
            return -1;
        struct mp_line *row = mp_line_table_row(table, (int)PyLong_AsLong(line));
        if (PyErr_Occurred())
            return -1;
        if (row)
            *row = (struct mp_line){memory,    increment, peak,     occurrences,
                                    allocated, freed,     heap_peak};
    }
    return 0;
}

/* From (filename, name, first, entry, baseline, [source lines], {line: cell}). */
static int init(struct function *function, PyObject *tuple)
{
    PyObject *filename, *name, *lines, *cells;
    int first, entry;
    long long baseline;
    *function = (struct function){0};
    if (!PyArg_ParseTuple(tuple, "UUiiLO!O!", &filename, &name, &first, &entry, &baseline,
                          &PyList_Type, &lines, &PyDict_Type, &cells))
        return -1;
    Py_ssize_t count = PyList_GET_SIZE(lines);
    function->kept = PyList_New(0);
    function->lines = calloc((size_t)count + 1, sizeof *function->lines);
    if (!function->kept || !function->lines) {
        PyErr_NoMemory();
        return -1;
    }
    if (count &&
        mp_line_table_init(&function->record.table, first, first + (int)count - 1, entry)) {
        PyErr_NoMemory();
        return -1;
    }
    function->record.table.first = first;
    function->record.table.baseline = baseline;
    function->record.lines = function->lines;
    if (borrow(function->kept, filename, &function->record.filename) ||
        borrow(function->kept, name, &function->record.name))
        return -1;
    for (Py_ssize_t i = 0; i < count; i++)
        if (borrow(function->kept, PyList_GET_ITEM(lines, i), &function->lines[i]))
            return -1;
    return fill_cells(&function->record.table, cells);
}

/* Closes the stream and returns what was written to it. */
static PyObject *finish(FILE *out, char **text, size_t *length)
{
    int failed = fclose(out);
    PyObject *result =
        failed ? PyErr_NoMemory()
               : PyUnicode_DecodeUTF8(*text, (Py_ssize_t)*length, "surrogateescape");
    free(*text);
    return result;
}

static PyObject *text_lines(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *tuple;
    int peaks = 0, heap = 0;
    struct mp_text_options options = {.precision = 1};
    struct function function;
    char *text = NULL;
    size_t length = 0;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "O!i|pp", &PyTuple_Type, &tuple, &options.precision, &peaks,
                          &heap))
        return NULL;
    options.peaks = peaks;
    options.heap = heap;
    if (!init(&function, tuple)) {
        FILE *out = open_memstream(&text, &length);
        if (out) {
            mp_text_lines(out, &function.record, &options);
            result = finish(out, &text, &length);
        } else {
            PyErr_NoMemory();
        }
    }
    release(&function);
    return result;
}

/* Renders a list of functions; `how` is the caller's. */
typedef void render_function(FILE *out, const struct mp_function *, size_t count,
                             const void *how);

static PyObject *render_to_text(const struct mp_function *records, size_t count,
                                render_function *render, const void *how)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return PyErr_NoMemory();
    render(out, records, count, how);
    return finish(out, &text, &length);
}

static PyObject *render_list(PyObject *list, render_function *render, const void *how)
{
    size_t count = (size_t)PyList_GET_SIZE(list), ready = 0;
    struct function *functions = calloc(count + 1, sizeof *functions);
    struct mp_function *records = calloc(count + 1, sizeof *records);
    PyObject *result = NULL;
    int failed = 0;
    if (!functions || !records) {
        free(functions);
        free(records);
        return PyErr_NoMemory();
    }
    while (!failed && ready < count) {
        failed = init(&functions[ready], PyList_GET_ITEM(list, (Py_ssize_t)ready));
        records[ready] = functions[ready].record;
        ready++;
    }
    if (!failed)
        result = render_to_text(records, count, render, how);
    for (size_t i = 0; i < ready; i++)
        release(&functions[i]);
    free(records);
    free(functions);
    return result;
}

static void render_json(FILE *out, const struct mp_function *functions, size_t count,
                        const void *how)
{
    mp_json_lines(out, functions, count, how);
}

static PyObject *json_lines(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *list;
    int peaks = 0, heap = 0;
    struct mp_json_options options;
    if (!PyArg_ParseTuple(args, "O!ss|pp", &PyList_Type, &list, &options.backend,
                          &options.python, &peaks, &heap))
        return NULL;
    options.peaks = peaks;
    options.heap = heap;
    return render_list(list, render_json, &options);
}

static void render_html(FILE *out, const struct mp_function *functions, size_t count,
                        const void *how)
{
    mp_html_lines(out, functions, count, how);
}

static void render_fragment(FILE *out, const struct mp_function *functions, size_t count,
                            const void *how)
{
    mp_notebook_lines(out, functions, count, how);
}

static PyObject *html_lines(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *list;
    int fragment, peaks = 0, heap = 0;
    struct mp_html_options options;
    struct mp_notebook_options notebook;
    if (!PyArg_ParseTuple(args, "O!issp|pp", &PyList_Type, &list, &options.precision,
                          &options.title, &options.backend, &fragment, &peaks, &heap))
        return NULL;
    options.peaks = peaks;
    options.heap = heap;
    notebook = (struct mp_notebook_options){options.precision, peaks, heap};
    return fragment ? render_list(list, render_fragment, &notebook)
                    : render_list(list, render_html, &options);
}

PyMethodDef mp_render_methods[] = {
    {"text_lines", text_lines, METH_VARARGS,
     "text_lines(function, precision, peaks=False, heap=False) -> the line table of\n"
     "memory_profiler 0.61, with more columns on request.\n"
     "A function is (filename, name, first, entry, baseline, [source lines], {line: (memory,\n"
     "increment, occurrences, peak, allocated, freed, heap_peak)})."},
    {"json_lines", json_lines, METH_VARARGS,
     "json_lines([function, ...], backend, python, peaks=False, heap=False) -> JSON document,\n"
     "docs/json.md."},
    {"html_lines", html_lines, METH_VARARGS,
     "html_lines([function, ...], precision, title, backend, fragment, peaks=False,\n"
     "heap=False) -> a page, or as a fragment: its tables for the output of a notebook's cell."},
    {NULL, NULL, 0, NULL},
};
