/* Memory that objects do not need, for `memory_profiler.heap.waste()`. */
#include "python/door.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/heap/python/lines.h"
#include "capture/heap/python/recording.h"
#include "capture/heap/python/session.h"
#include "capture/objects/holders.h"
#include "python/waste_lines.h"

/* The lines of the recording that runs; none where none does. */
struct asking {
    struct mp_heap_view view;
    struct mp_heap_own own;
    struct mp_heap_lines lines;
    struct mp_waste_places places;
    struct mp_waste_kept kept;
};

static int find_lines(struct asking *asking)
{
    asking->view = mp_heap_view_of(mp_recording.heap);
    if (mp_heap_own_init(&asking->own, &asking->view))
        return -1;
    return mp_heap_lines_init_uncalled(&asking->lines, &asking->view, &asking->own) ||
                   mp_waste_places_init(&asking->places, &asking->view, &asking->own,
                                        &asking->lines)
               ? -1
               : 0;
}

static int find(struct asking *asking, struct mp_holders *holders, const char *own,
                bool *interrupted)
{
    bool recorded = mp_hooks_are_open() && !find_lines(asking);
    const struct mp_question question = {.kind = MP_ASK_WASTE,
                                         .lines = recorded ? &asking->places.lines : NULL};
    const struct mp_inquiry inquiry = {.questions = &question,
                                       .count = 1,
                                       .own = own,
                                       .still = recorded ? mp_hooks_pause : NULL};
    int failed = mp_holders_find(holders, &inquiry, interrupted), error = errno;
    if (!failed)
        mp_waste_fill(&asking->kept, &holders->waste, &asking->view, &asking->lines);
    mp_waste_places_release(&asking->places);
    mp_heap_lines_release(&asking->lines);
    mp_heap_own_release(&asking->own);
    errno = error;
    return failed;
}

static PyObject *text_object(const char *text, uint32_t length)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "surrogateescape");
}

static PyObject *row_object(const struct mp_waste_kept *kept,
                            const struct mp_heap_waste *row)
{
    enum mp_waste_kind kind = (enum mp_waste_kind)(row->kind - MP_HEAP_WASTE_FIRST);
    char words[MP_WASTE_LONGEST];
    const char *place = kept->text + row->place;
    const char *tab = memchr(place, '\t', row->place_length);
    mp_waste_say(words, kind, row->code);
    return Py_BuildValue("(sNNNKKKs)", mp_waste_name(kind),
                         text_object(kept->text + row->of, row->of_length),
                         text_object(place, tab ? (uint32_t)(tab - place) : 0),
                         text_object(kept->text + row->path, row->path_length),
                         (unsigned long long)row->count, (unsigned long long)row->bytes,
                         (unsigned long long)row->saved, words);
}

static PyObject *answer_object(const struct mp_waste_kept *kept, bool apart)
{
    PyObject *rows = PyList_New(0);
    for (size_t i = 1; rows && i < kept->count; i++) {
        PyObject *row = row_object(kept, &kept->rows[i]);
        if (!row || PyList_Append(rows, row))
            Py_CLEAR(rows);
        Py_XDECREF(row);
    }
    if (!rows)
        return NULL;
    const struct mp_heap_waste *all = &kept->rows[0];
    return Py_BuildValue("(NNKKIK)", PyBool_FromLong((long)apart), rows,
                         (unsigned long long)all->count, (unsigned long long)all->bytes,
                         (unsigned)all->code, (unsigned long long)all->saved);
}

static PyObject *find_waste(PyObject *module, PyObject *args)
{
    const char *own;
    (void)module;
    if (!PyArg_ParseTuple(args, "s", &own))
        return NULL;
    bool interrupted = false, aside = mp_hooks_set_aside(true);
    struct asking *asking = calloc(1, sizeof *asking);
    struct mp_holders *holders = asking ? mp_holders_new() : NULL;
    errno = ENOMEM;
    int failed = holders ? find(asking, holders, own, &interrupted) : -1, error = errno;
    mp_hooks_set_aside(aside);
    errno = error;
    PyObject *answer = interrupted ? NULL
                       : failed    ? mp_holders_refuse()
                                   : answer_object(&asking->kept, holders->apart);
    mp_holders_free(holders);
    aside = mp_hooks_set_aside(true);
    free(asking);
    mp_hooks_set_aside(aside);
    return answer;
}

PyMethodDef mp_waste_methods[] = {
    {"waste", find_waste, METH_VARARGS,
     "waste(own): what objects do not need: (apart, rows, objects, unseen, others, saved)."},
    {NULL, NULL, 0, NULL},
};
