#include "aggregate/heap_own.h"

#include <stdlib.h>
#include <string.h>

enum {
    THEIRS,
    PACKAGE, /* theirs too, but installed, or without a file */
    OURS,
    STARTER,  /* runpy, which starts modules for `python -m` */
    IMPORTER, /* what an import runs before the module */
    LIBRARY
};

enum {
    THE_PROGRAMS,
    OUTER,      /* only starts the program, as all above it */
    OUTER_OURS, /* likewise, and is ours */
    INNER_OURS,
    CALLED_BY_OURS
};

static const char folder[] = "/memory_profiler/";

static bool ends_with(const char *text, size_t length, const char *end)
{
    size_t its = strlen(end);
    return length >= its && !memcmp(text + length - its, end, its);
}

/* The length of the path up to and with its last folder named memory_profiler; 0: none. */
static size_t folder_length(const char *path, size_t length)
{
    size_t its = sizeof folder - 1;
    for (size_t at = length; at >= its; at--)
        if (!memcmp(path + at - its, folder, its))
            return at;
    return 0;
}

/* Whether our folder, up to `length`, is. */
static bool is_installed(const char *path, size_t length)
{
    size_t before = length - (sizeof folder - 1);
    return ends_with(path, before, "/site-packages") ||
           ends_with(path, before, "/dist-packages");
}

static bool has_part(const char *path, size_t length, const char *part)
{
    return memmem(path, length, part, strlen(part)) != NULL;
}

static bool is_package(const char *path, size_t length)
{
    return has_part(path, length, "/site-packages/") ||
           has_part(path, length, "/dist-packages/");
}

static bool is_known_module(const char *path, size_t length)
{
    return ends_with(path, length, "/memory_profiler/_heap_run.py") ||
           ends_with(path, length, "/memory_profiler/heap.py");
}

/* A folder of ours that is not installed, as in a source tree: the first found. */
static struct mp_heap_text find_folder(const struct mp_heap_view *view)
{
    for (size_t i = 1; i < view->counts[MP_HEAP_CODES]; i++) {
        struct mp_heap_text file = view->codes[i].file;
        const char *path = view->text + file.offset;
        if (is_known_module(path, file.length))
            return (struct mp_heap_text){file.offset,
                                         (uint32_t)folder_length(path, file.length)};
    }
    return (struct mp_heap_text){0};
}

static uint8_t kind_of(const struct mp_heap_view *view, struct mp_heap_text file,
                       struct mp_heap_text ours)
{
    static const char frozen[] = "<frozen runpy>";
    const char *path = view->text + file.offset;
    size_t length = folder_length(path, file.length);
    if (mp_heap_is_importer(path, file.length))
        return IMPORTER;
    if (length && is_installed(path, length))
        return OURS;
    if (length && length == ours.length && !memcmp(path, view->text + ours.offset, length))
        return OURS;
    bool starter =
        (file.length == sizeof frozen - 1 && !memcmp(path, frozen, file.length)) ||
        ends_with(path, file.length, "/runpy.py");
    if (starter)
        return STARTER;
    return mp_heap_is_library(view, file)                  ? LIBRARY
           : !file.length || is_package(path, file.length) ? PACKAGE
                                                           : THEIRS;
}

static bool is_module(const struct mp_heap_view *view, uint32_t code)
{
    static const char module[] = "<module>";
    struct mp_heap_text name = view->codes[code].name;
    return name.length == sizeof module - 1 &&
           !memcmp(view->text + name.offset, module, name.length);
}

/* The program itself may be a module of the library: it is what a frame of ours runs directly. */
static uint8_t owner_of(const struct mp_heap_own *own, const struct mp_heap_view *view,
                        const struct mp_heap_node *node)
{
    uint8_t kind = own->codes[node->code], above = own->nodes[node->parent];
    bool outer = above == OUTER || above == OUTER_OURS;
    if (kind == OURS)
        return outer ? OUTER_OURS : INNER_OURS;
    if (kind == STARTER && outer)
        return OUTER;
    if (kind == THEIRS || kind == PACKAGE)
        return THE_PROGRAMS;
    bool import = kind == IMPORTER && (above == OUTER_OURS || above == INNER_OURS);
    bool end = kind == LIBRARY && above == OUTER_OURS && !is_module(view, node->code);
    return above == CALLED_BY_OURS || import || end ? CALLED_BY_OURS : THE_PROGRAMS;
}

int mp_heap_own_init(struct mp_heap_own *own, const struct mp_heap_view *view)
{
    struct mp_heap_text ours = find_folder(view);
    own->codes = calloc(view->counts[MP_HEAP_CODES] + 1, 1);
    own->nodes = calloc(view->counts[MP_HEAP_NODES] + 1, 1);
    if (!own->codes || !own->nodes) {
        mp_heap_own_release(own);
        return -1;
    }
    for (size_t i = 1; i < view->counts[MP_HEAP_CODES]; i++)
        own->codes[i] = kind_of(view, view->codes[i].file, ours);
    own->nodes[0] = OUTER;
    for (size_t i = 1; i < view->counts[MP_HEAP_NODES]; i++)
        own->nodes[i] = owner_of(own, view, &view->nodes[i]);
    return 0;
}

void mp_heap_own_release(struct mp_heap_own *own)
{
    free(own->codes);
    free(own->nodes);
    *own = (struct mp_heap_own){0};
}

bool mp_heap_own_is_ours(const struct mp_heap_own *own, uint32_t node)
{
    return own->nodes[node] >= OUTER_OURS;
}

bool mp_heap_own_is_importer(const struct mp_heap_own *own, uint32_t code)
{
    return own->codes[code] == IMPORTER;
}

bool mp_heap_own_is_users(const struct mp_heap_own *own, uint32_t code)
{
    return code && own->codes[code] == THEIRS;
}

bool mp_heap_own_is_outer(const struct mp_heap_own *own, uint32_t node)
{
    return own->nodes[node] == OUTER || own->nodes[node] == OUTER_OURS;
}

bool mp_heap_is_library(const struct mp_heap_view *view, struct mp_heap_text file)
{
    static const char frozen[] = "<frozen ";
    const char *path = view->text + file.offset;
    size_t length = file.length, its = sizeof frozen - 1;
    if (length > its && !memcmp(path, frozen, its))
        return true;
    return (has_part(path, length, "/lib/python3") ||
            has_part(path, length, "/lib64/python3")) &&
           !is_package(path, length);
}
