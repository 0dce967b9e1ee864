#include "capture/heap/frames/code.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "capture/heap/accounting/open_addressing.h"
#include "capture/heap/frames/text.h"
#include "record/place.h"

enum { FIRST_ROOM = 4096 };

static void *take_pages(size_t bytes)
{
    void *pages =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

int mp_codes_init(struct mp_codes *codes, struct mp_heap *heap, struct mp_shadow *shadow)
{
    *codes = (struct mp_codes){.heap = heap, .shadow = shadow};
    codes->entries = take_pages(FIRST_ROOM * sizeof *codes->entries);
    codes->known = take_pages(FIRST_ROOM * sizeof *codes->known);
    codes->room = codes->entries ? FIRST_ROOM : 0;
    codes->known_room = codes->known ? FIRST_ROOM : 0;
    if (codes->room && codes->known_room)
        return 0;
    mp_codes_release(codes);
    return -1;
}

void mp_codes_release(struct mp_codes *codes)
{
    if (codes->entries)
        munmap(codes->entries, codes->room * sizeof *codes->entries);
    if (codes->known)
        munmap(codes->known, codes->known_room * sizeof *codes->known);
    *codes = (struct mp_codes){0};
}

/* Alive code objects, by address. */

static struct mp_codes_entry *entry_of(const struct mp_codes *codes, uintptr_t address)
{
    size_t at = mp_open_addressing_home(address, codes->room);
    while (codes->entries[at].address && codes->entries[at].address != address)
        at = (at + 1) & (codes->room - 1);
    return &codes->entries[at];
}

/* Twice the room. */
static int grow_entries(struct mp_codes *codes)
{
    struct mp_codes old = *codes;
    struct mp_codes_entry *more = take_pages(old.room * 2 * sizeof *more);
    if (!more)
        return -1;
    codes->entries = more;
    codes->room = old.room * 2;
    for (size_t i = 0; i < old.room; i++)
        if (old.entries[i].address)
            *entry_of(codes, old.entries[i].address) = old.entries[i];
    munmap(old.entries, old.room * sizeof *old.entries);
    return 0;
}

/* With marks left behind, a program that compiles in a loop, each code object where the last one
   was, would search ever longer. */
static void take_out(struct mp_codes *codes, size_t gap)
{
    size_t mask = codes->room - 1;
    for (size_t at = (gap + 1) & mask; codes->entries[at].address; at = (at + 1) & mask) {
        if (!mp_open_addressing_moves(codes->entries[at].address, at, gap, codes->room))
            continue;
        codes->entries[gap] = codes->entries[at];
        gap = at;
    }
    codes->entries[gap].address = 0;
}

bool mp_codes_forget(struct mp_codes *codes, uintptr_t address)
{
    struct mp_codes_entry *entry = entry_of(codes, address);
    if (!entry->address)
        return false;
    take_out(codes, (size_t)(entry - codes->entries));
    codes->used--;
    codes->died++;
    return true;
}

/* Definitions, by content. */

static bool is_same(const struct mp_heap *heap, const struct mp_heap_code *a,
                    const struct mp_heap_code *b)
{
    return a->hash == b->hash && a->first_line == b->first_line &&
           mp_text_equal(heap, a->name, b->name) && mp_text_equal(heap, a->file, b->file) &&
           mp_text_equal(heap, a->lines, b->lines);
}

static uint32_t *known_slot(const struct mp_codes *codes, const struct mp_heap_code *code)
{
    size_t at = code->hash & (codes->known_room - 1);
    while (codes->known[at] &&
           !is_same(codes->heap, &codes->heap->codes[codes->known[at]], code))
        at = (at + 1) & (codes->known_room - 1);
    return &codes->known[at];
}

static int grow_known(struct mp_codes *codes)
{
    struct mp_codes old = *codes;
    uint32_t *more = take_pages(old.known_room * 2 * sizeof *more);
    if (!more)
        return -1;
    codes->known = more;
    codes->known_room = old.known_room * 2;
    for (uint64_t id = 1; id < codes->heap->header->counts[MP_HEAP_CODES]; id++)
        *known_slot(codes, &codes->heap->codes[id]) = (uint32_t)id;
    munmap(old.known, old.known_room * sizeof *old.known);
    return 0;
}

/* Modules and files repeat: a name lately written is not written again. */
static struct mp_heap_text put_name(struct mp_codes *codes, struct mp_heap_text text)
{
    struct mp_heap_text *slot =
        &codes->texts[mp_text_hash(codes->heap, text) % MP_CODES_TEXTS];
    if (mp_text_equal(codes->heap, *slot, text))
        return *slot;
    mp_text_keep(codes->heap, text);
    return *slot = text;
}

/* The definition's number; its lines are kept only if it is new. */
static uint32_t define(struct mp_codes *codes, struct mp_heap_code *code)
{
    struct mp_heap *heap = codes->heap;
    uint64_t id = heap->header->counts[MP_HEAP_CODES];
    code->hash = mp_text_hash(heap, code->name) ^ mp_text_hash(heap, code->file) * 31 ^
                 mp_text_hash(heap, code->lines) * 17 ^ (uint32_t)code->first_line;
    uint32_t *slot = known_slot(codes, code);
    if (*slot)
        return *slot;
    mp_text_keep(heap, code->lines);
    heap->codes[id] = *code;
    __atomic_store_n(&heap->header->counts[MP_HEAP_CODES], id + 1, __ATOMIC_RELEASE);
    return *slot = (uint32_t)id;
}

static bool has_room(struct mp_codes *codes, size_t text, enum mp_heap_for share)
{
    uint64_t id = codes->heap->header->counts[MP_HEAP_CODES];
    return !mp_heap_reserve(codes->heap, MP_HEAP_CODES, 1, share) &&
           !mp_heap_reserve(codes->heap, MP_HEAP_TEXT, text, share) &&
           !(id * 2 >= codes->known_room && grow_known(codes));
}

static bool is_text(PyObject *object, const char *text)
{
    char its[16];
    size_t length = mp_text_path(object, its, sizeof its);
    return length == strlen(text) && !memcmp(its, text, length);
}

/* What mprof has a process run is the interpreter's `<string>` at first, and has the name of the rest among its
   constants, as has what is within it (capture/attach/inject.c). */
static bool is_request(PyCodeObject *object)
{
    PyObject *constants = object->co_consts;
    if (!is_text(object->co_filename, "<string>") || !PyTuple_Check(constants))
        return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(constants); i++) {
        PyObject *its = PyTuple_GET_ITEM(constants, i);
        PyObject *within = PyCode_Check(its) ? ((PyCodeObject *)its)->co_consts : NULL;
        if (is_text(its, MP_PLACE_REQUEST))
            return true;
        for (Py_ssize_t j = 0; within && j < PyTuple_GET_SIZE(within); j++)
            if (is_text(PyTuple_GET_ITEM(within, j), MP_PLACE_REQUEST))
                return true;
    }
    return false;
}

static uint32_t define_object(struct mp_codes *codes, PyCodeObject *object,
                              enum mp_heap_for share)
{
    size_t text = mp_text_most(object->co_qualname) + mp_text_most(object->co_filename) +
                  mp_text_most(object->co_linetable);
    if (!has_room(codes, text, share))
        return 0;
    struct mp_heap_code code = {
        .name = put_name(codes, mp_text_put(codes->heap, object->co_qualname)),
        .file = put_name(codes, is_request(object)
                                    ? mp_text_put_string(codes->heap, MP_PLACE_REQUEST)
                                    : mp_text_put(codes->heap, object->co_filename)),
        .first_line = object->co_firstlineno};
    code.lines = mp_text_put_bytes(codes->heap, object->co_linetable);
    return define(codes, &code);
}

uint32_t mp_codes_label(struct mp_codes *codes, const char *label, struct mp_heap_text file,
                        int line)
{
    if (!has_room(codes, strlen(label), MP_HEAP_FOR_PROGRAM))
        return 0;
    struct mp_heap_code code = {.name =
                                    put_name(codes, mp_text_put_string(codes->heap, label)),
                                .file = file,
                                .first_line = line};
    return define(codes, &code);
}

/* Frozen into the interpreter; 3.11 gives such objects a count of 999999999. */
static bool is_immortal(PyCodeObject *object)
{
    return Py_REFCNT((PyObject *)object) > 900000000;
}

/* What `<string>` and the like hold was made by whoever runs it: not known to be a library's. */
static enum mp_code_kind kind_of(struct mp_codes *codes, PyCodeObject *object)
{
    const char *path = codes->path;
    char name[sizeof "<module>"];
    size_t length = mp_text_path(object->co_filename, codes->path, sizeof codes->path);
    if (mp_place_is_importer(path, length))
        return MP_CODE_IMPORTER;
    if (mp_place_is_starter(path, length) || mp_place_is_recorder(path, length))
        return MP_CODE_STARTER;
    if (length && !mp_place_is_library(path, length) && !mp_place_is_package(path, length))
        return MP_CODE_PROGRAM;
    length = mp_text_path(object->co_qualname, name, sizeof name);
    return length == sizeof name - 1 && !memcmp(name, "<module>", length) ? MP_CODE_MODULE
                                                                          : MP_CODE_LIBRARY;
}

struct mp_codes_entry *mp_codes_find(struct mp_codes *codes, PyCodeObject *object)
{
    uintptr_t address = (uintptr_t)object;
    struct mp_codes_entry *entry = entry_of(codes, address);
    if (entry->address)
        return entry;
    codes->unseen = (struct mp_codes_entry){address, 0, kind_of(codes, object)};
    if (codes->used * 2 >= codes->room && grow_entries(codes))
        return &codes->unseen;
    if (!is_immortal(object) && mp_shadow_watch(codes->shadow, address))
        return &codes->unseen;
    entry = entry_of(codes, address);
    *entry = codes->unseen;
    codes->used++;
    return entry;
}

uint32_t mp_codes_number(struct mp_codes *codes, struct mp_codes_entry *entry,
                         PyCodeObject *object, enum mp_heap_for share)
{
    if (!entry->id)
        entry->id = define_object(codes, object, share);
    return entry->id;
}
