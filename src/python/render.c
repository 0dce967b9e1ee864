/* Reports for Python: builds the record of a function from Python values, returns the text. */
#include "python/door.h"

#include <stdlib.h>

#include "python/values.h"
#include "report/lines/csv.h"
#include "report/lines/html.h"
#include "report/lines/json.h"
#include "report/lines/text.h"
#include "report/notebook/notebook.h"

/* A function with the Python objects its texts are borrowed from. */
struct function {
    struct mp_function record;
    struct mp_text *lines;
    struct mp_grown *grown;
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
    free(function->grown);
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

/* From {line: (type, objects, bytes)}, or None: nobody asked. */
static int add_grown(struct function *function, PyObject *grown)
{
    PyObject *line, *what;
    const struct mp_line_table *table = &function->record.table;
    if (grown == Py_None)
        return 0;
    function->grown = calloc((size_t)table->count + 1, sizeof *function->grown);
    if (!function->grown || !PyDict_Check(grown)) {
        PyErr_SetString(PyExc_TypeError, "no dictionary, or no memory for one");
        return -1;
    }
    function->record.grown = function->grown;
    for (Py_ssize_t at = 0; PyDict_Next(grown, &at, &line, &what);) {
        PyObject *type;
        long long objects, bytes, row = PyLong_AsLong(line) - table->first;
        if (PyErr_Occurred() || !PyArg_ParseTuple(what, "ULL", &type, &objects, &bytes))
            return -1;
        if (row < 0 || row >= table->count)
            continue;
        function->grown[row].objects = objects;
        function->grown[row].bytes = bytes;
        if (borrow(function->kept, type, &function->grown[row].type))
            return -1;
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

/* Renders a list of functions; `how` is the caller's. */
typedef void render_function(FILE *out, const struct mp_function *, size_t count,
                             const void *how);

static PyObject *render_to_text(const struct mp_function *records, size_t count,
                                render_function *render, const void *how)
{
    struct mp_written written;
    if (mp_written_open(&written))
        return NULL;
    render(written.out, records, count, how);
    return mp_written_close(&written, 0, "surrogateescape");
}

static void render_table(FILE *out, const struct mp_function *function, size_t count,
                         const void *how)
{
    (void)count; /* one */
    mp_text_lines(out, function, how);
}

static PyObject *text_lines(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *tuple, *grown = Py_None;
    int peaks = 0, heap = 0;
    struct mp_text_options options = {.precision = 1};
    struct function function;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "O!i|ppO", &PyTuple_Type, &tuple, &options.precision,
                          &peaks, &heap, &grown))
        return NULL;
    options.peaks = peaks;
    options.heap = heap;
    options.types = grown != Py_None;
    if (!init(&function, tuple) && !add_grown(&function, grown))
        result = render_to_text(&function.record, 1, render_table, &options);
    release(&function);
    return result;
}

/* `grown`: a list of what each of the functions has of it; NULL: none has. */
static PyObject *render_list(PyObject *list, PyObject *grown, render_function *render,
                             const void *how)
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
        PyObject *its = !failed && grown ? PyList_GetItem(grown, (Py_ssize_t)ready) : NULL;
        if (!failed && grown)
            failed = its ? add_grown(&functions[ready], its) : -1;
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
    PyObject *list, *grown = NULL;
    int peaks = 0, heap = 0;
    struct mp_json_options options;
    if (!PyArg_ParseTuple(args, "O!ss|ppO!", &PyList_Type, &list, &options.backend,
                          &options.python, &peaks, &heap, &PyList_Type, &grown))
        return NULL;
    options.peaks = peaks;
    options.heap = heap;
    return render_list(list, grown, render_json, &options);
}

static void render_csv(FILE *out, const struct mp_function *functions, size_t count,
                       const void *how)
{
    mp_csv_lines(out, functions, count, how);
}

static PyObject *csv_lines(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *list;
    int peaks = 0, heap = 0;
    if (!PyArg_ParseTuple(args, "O!|pp", &PyList_Type, &list, &peaks, &heap))
        return NULL;
    struct mp_csv_options options = {peaks, heap};
    return render_list(list, NULL, render_csv, &options);
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
    return fragment ? render_list(list, NULL, render_fragment, &notebook)
                    : render_list(list, NULL, render_html, &options);
}

PyMethodDef mp_render_methods[] = {
    {"text_lines", text_lines, METH_VARARGS,
     "text_lines(function, precision, peaks=False, heap=False, grown=None) -> the line table of\n"
     "memory_profiler 0.61, with more columns on request. grown: {line: (type, objects,\n"
     "bytes)}.\n"
     "A function is (filename, name, first, entry, baseline, [source lines], {line: (memory,\n"
     "increment, occurrences, peak, allocated, freed, heap_peak)})."},
    {"json_lines", json_lines, METH_VARARGS,
     "json_lines([function, ...], backend, python, peaks=False, heap=False, [grown, ...]) ->\n"
     "JSON document, docs/json.md."},
    {"csv_lines", csv_lines, METH_VARARGS,
     "csv_lines([function, ...], peaks=False, heap=False) -> a sheet, docs/json.md."},
    {"html_lines", html_lines, METH_VARARGS,
     "html_lines([function, ...], precision, title, backend, fragment, peaks=False,\n"
     "heap=False) -> a page, or as a fragment: its tables for the output of a notebook's cell."},
    {NULL, NULL, 0, NULL},
};
