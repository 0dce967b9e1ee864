/* When a capture ends, the source of the lines that matter goes into it: what is shown later, here or
 * on another machine, is what ran. */
#include "python/heap.h"

#include <stdlib.h>

#include "aggregate/heap/notable.h"
#include "aggregate/heap/own.h"
#include "aggregate/heap/programs.h"
#include "base/array.h"
#include "capture/heap/python/lines.h"
#include "report/heap/source.h"
#include "store/heap/sources.h"
#include "store/source/file.h"

enum {
    NEIGHBOURS = 3,         /* lines before and behind one that matters */
    MOST_TEXT = 1 << 20,    /* bytes of all lines kept, */
    SHARE_OF_FILE = 16,     /* at most that part of what the file may have */
    LONGEST_NAME = 1 << 12, /* a path's */
};
static const double least = 0.001;

/* What is kept, from what. */
struct keeping {
    struct mp_heap *heap;
    struct mp_source_place place;
    PyObject *
        texts; /* of code that is in no file: {name: (label, text)}; NULL: none are known */
    struct mp_heap_notable notable;
    size_t left; /* bytes that may still be kept */
    struct mp_heap_kept_line *lines;
    size_t room;
};

/* One file. */
struct reading {
    struct mp_heap_source source;
    const char *label;
    char *text; /* owned */
    size_t length;
    struct mp_heap_source_text lines;
};

static int read_file(const struct keeping *keeping, struct reading *reading,
                     const char *name)
{
    struct mp_source_file file;
    mp_source_file_read(&file, &keeping->place, name);
    reading->text = file.text;
    reading->length = file.length;
    reading->source.size = (int64_t)file.length;
    reading->source.modified = file.modified;
    return file.why ? -1 : 0;
}

/* Of a cell, or what was given to exec() with its text in `linecache`. */
static int read_given(struct reading *reading, PyObject *texts, const char *name)
{
    const char *label, *text;
    PyObject *key = texts ? PyUnicode_DecodeFSDefault(name) : NULL;
    PyObject *found = key ? PyDict_GetItem(texts, key) : NULL; /* borrowed */
    Py_XDECREF(key);
    size_t length = 0;
    if (!found || !PyArg_ParseTuple(found, "ss", &label, &text) ||
        (length = strlen(text)) > MP_HEAP_SOURCE_MOST ||
        !(reading->text = malloc(length + 1))) {
        PyErr_Clear();
        return -1;
    }
    memcpy(reading->text, text, length);
    reading->label = *label ? label : NULL;
    reading->length = length;
    reading->source.size = reading->source.modified = -1;
    return 0;
}

static int read_source(const struct keeping *keeping, struct reading *reading,
                       struct mp_heap_text file)
{
    char name[LONGEST_NAME];
    *reading = (struct reading){.source.file = file};
    if (!file.length || file.length >= sizeof name)
        return -1;
    memcpy(name, keeping->heap->text + file.offset, file.length);
    name[file.length] = 0;
    if (read_given(reading, keeping->texts, name) && read_file(keeping, reading, name))
        return -1;
    reading->source.hash = mp_heap_source_hash(reading->text, reading->length);
    return memchr(reading->text, 0, reading->length)
               ? -1
               : mp_heap_source_init(&reading->lines, reading->text, reading->length);
}

/* The next line that is kept, behind `line`; `at`: the first of those that matter, up to `end`, that may
   keep it. 0: there is none. */
static int64_t next_line(const struct mp_heap_notable *notable, size_t *at, size_t end,
                         int64_t line)
{
    line++;
    while (*at < end && notable->lines[*at].line + (int64_t)NEIGHBOURS < line)
        ++*at;
    if (*at == end)
        return 0;
    int64_t first = notable->lines[*at].line - (int64_t)NEIGHBOURS;
    return first > line ? first : line;
}

/* Of lines `from` to `end` of those that matter, which are of one file. */
static void keep(struct keeping *keeping, struct reading *reading, size_t from, size_t end)
{
    size_t count = 0, at = from, length;
    int64_t line = 0;
    while ((line = next_line(&keeping->notable, &at, end, line))) {
        const char *text = mp_heap_source_at(&reading->lines, line, &length);
        if (!text || length > keeping->left ||
            mp_array_reserve((void **)&keeping->lines, &keeping->room, count + 1,
                             sizeof *keeping->lines))
            break;
        keeping->left -= length;
        keeping->lines[count++] = (struct mp_heap_kept_line){(uint32_t)line, text, length};
    }
    if (count)
        mp_heap_keep_source(keeping->heap, &reading->source, reading->label, keeping->lines,
                            count);
}

static void keep_all(struct keeping *keeping)
{
    const struct mp_heap_notable *notable = &keeping->notable;
    struct reading reading;
    for (size_t from = 0, end; from < notable->count; from = end) {
        uint32_t file = notable->lines[from].file;
        for (end = from; end < notable->count && notable->lines[end].file == file;)
            end++;
        if (!read_source(keeping, &reading, notable->files.files[file]))
            keep(keeping, &reading, from, end);
        mp_heap_source_release(&reading.lines);
        free(reading.text);
    }
}

/* Below which folders sources are read: as readers do, and where the program's imports come from. */
static void find_place(struct keeping *keeping, const struct mp_heap_view *view,
                       const struct mp_heap_own *own, const char *capture)
{
    struct mp_heap_text files[MP_HEAP_PROGRAMS];
    struct mp_source_roots *roots = &keeping->place.roots;
    mp_source_place_init(&keeping->place, capture, NULL);
    for (size_t i = 0, count = mp_heap_programs(view, own, files); i < count; i++)
        mp_source_roots_add_program(roots, view->text + files[i].offset, files[i].length);
    PyObject *path = PySys_GetObject("path"); /* borrowed */
    for (Py_ssize_t i = 0; path && PyList_Check(path) && i < PyList_GET_SIZE(path); i++) {
        PyObject *folder = PyList_GET_ITEM(path, i);
        const char *name = PyUnicode_Check(folder) ? PyUnicode_AsUTF8(folder) : NULL;
        if (name && *name)
            mp_source_roots_add(roots, name);
        PyErr_Clear();
    }
}

void mp_heap_object_keep_sources(struct mp_heap_object *self, PyObject *texts)
{
    struct mp_heap *heap = &self->file.heap;
    if (!self->file.path || heap->is_cut || self->no_sources)
        return;
    struct mp_heap_own own;
    struct mp_heap_view view = mp_heap_view_of(heap);
    struct keeping keeping = {.heap = heap, .texts = texts, .left = MOST_TEXT};
    if (keeping.left > heap->header->most / SHARE_OF_FILE)
        keeping.left = heap->header->most / SHARE_OF_FILE;
    bool aside = mp_hooks_set_aside(true);
    int failed = mp_heap_own_init(&own, &view) ||
                 mp_heap_notable_init(&keeping.notable, &view, &own, least);
    if (!failed) {
        find_place(&keeping, &view, &own, self->file.path);
        keep_all(&keeping);
    }
    mp_source_place_release(&keeping.place);
    mp_heap_notable_release(&keeping.notable);
    mp_heap_own_release(&own);
    free(keeping.lines);
    mp_hooks_set_aside(aside);
}
