/* Notebook outputs for Python that are no line tables: runs of a statement, memory over time. */
#include "python/door.h"

#include <stdlib.h>
#include <string.h>

#include "python/values.h"
#include "report/notebook/notebook.h"

static const char errors[] = "surrogateescape";

static PyObject *runs_text(int64_t baseline, PyObject *list, int64_t *peaks, size_t count)
{
    struct mp_written written;
    for (size_t i = 0; i < count; i++) {
        peaks[i] = PyLong_AsLongLong(PyList_GET_ITEM(list, (Py_ssize_t)i));
        if (peaks[i] == -1 && PyErr_Occurred())
            return NULL;
    }
    if (mp_written_open(&written))
        return NULL;
    mp_notebook_runs(written.out, &(struct mp_notebook_runs){baseline, peaks, count});
    return mp_written_close(&written, 0, errors);
}

static PyObject *html_runs(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *list;
    long long baseline;
    if (!PyArg_ParseTuple(args, "LO!", &baseline, &PyList_Type, &list))
        return NULL;
    size_t count = (size_t)PyList_GET_SIZE(list);
    if (!count)
        return PyErr_Format(PyExc_ValueError, "there are no runs to show");
    int64_t *peaks = calloc(count, sizeof *peaks);
    PyObject *result = peaks ? runs_text(baseline, list, peaks, count) : PyErr_NoMemory();
    free(peaks);
    return result;
}

/* From [(bytes, seconds), ...]. 0, or -1 with an exception. */
static int fill_series(struct mp_series *series, PyObject *samples)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(samples); i++) {
        long long bytes;
        double seconds;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(samples, i), "Ld", &bytes, &seconds))
            return -1;
        if (mp_series_add(series, (int64_t)(seconds * 1e9), bytes)) {
            PyErr_NoMemory();
            return -1;
        }
    }
    if (!series->count)
        PyErr_SetString(PyExc_ValueError, "there are no samples to show");
    return series->count ? 0 : -1;
}

static int words(FILE *out, const struct mp_notebook_series *what)
{
    mp_notebook_words(out, what);
    return 0;
}

typedef int render_form(FILE *, const struct mp_notebook_series *);

static render_form *form_named(const char *name)
{
    if (!strcmp(name, "html"))
        return mp_notebook_series;
    if (!strcmp(name, "svg"))
        return mp_notebook_picture;
    return strcmp(name, "words") ? NULL : words;
}

static PyObject *render_series(PyObject *module, PyObject *args, PyObject *keywords)
{
    (void)module;
    static char *names[] = {"form",     "samples", "peak",      "interval",
                            "children", "late",    "peak_time", NULL};
    PyObject *samples, *result = NULL;
    struct mp_notebook_series what = {0};
    const char *name;
    int children = 0;
    long long peak;
    unsigned long long late = 0;
    double interval, peak_time = -1;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "sO!Ld|pKd", names, &name,
                                     &PyList_Type, &samples, &peak, &interval, &children,
                                     &late, &peak_time))
        return NULL;
    render_form *form = form_named(name);
    if (!form)
        return PyErr_Format(PyExc_ValueError, "unknown form '%s': html, svg or words",
                            name);
    what.peak = peak;
    what.peak_time = (int64_t)(peak_time * 1e9);
    what.interval = (int64_t)(interval * 1e9);
    what.children = children;
    what.late = late;
    if (!fill_series(&what.series, samples)) {
        struct mp_written written;
        mp_series_sort(&what.series);
        if (!mp_written_open(&written))
            result = mp_written_close(&written, form(written.out, &what), errors);
    }
    free(what.series.points);
    return result;
}

PyMethodDef mp_notebook_methods[] = {
    {"html_runs", html_runs, METH_VARARGS,
     "html_runs(baseline, [peak, ...]) -> the table of a repeated statement, bytes in."},
    {"render_series", (PyCFunction)(void (*)(void))render_series,
     METH_VARARGS | METH_KEYWORDS,
     "render_series(form, [(bytes, seconds), ...], peak, interval, children=False, late=0,\n"
     "peak_time=-1.0) ->\n"
     "text. form: 'html' for a notebook, 'svg' the image alone, 'words' one line."},
    {NULL, NULL, 0, NULL},
};
