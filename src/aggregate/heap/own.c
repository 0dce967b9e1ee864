#include "aggregate/heap/own.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/distinct.h"
#include "base/array.h"
#include "record/place.h"

enum {
    THEIRS,
    PACKAGE, /* theirs too, but installed, or without a file */
    OURS,
    STARTER,  /* runpy, which starts modules for `python -m` */
    IMPORTER, /* what an import runs before the module */
    LIBRARY
};

/* Of a node, while what runs cells is looked for. */
enum {
    WAITS = 1,  /* it is above what runs a cell, or is that */
    INSIDE = 2, /* it is below */
    CALLED = 4  /* a program of the user's called it, so that it is no prompt */
};

enum {
    THE_PROGRAMS,
    OUTER,      /* only starts the program, as all above it */
    OUTER_OURS, /* likewise, and is ours */
    INNER_OURS,
    CALLED_BY_OURS
};

static const char folder[] = "/memory_profiler/";
static const char request[] = MP_PLACE_REQUEST;

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
    return mp_place_ends_with(path, before, "/site-packages") ||
           mp_place_ends_with(path, before, "/dist-packages");
}

static bool is_known_module(const char *path, size_t length)
{
    return mp_place_ends_with(path, length, "/memory_profiler/_heap_run.py") ||
           mp_place_ends_with(path, length, "/memory_profiler/heap.py");
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
    const char *path = view->text + file.offset;
    size_t length = folder_length(path, file.length);
    if (mp_place_is_importer(path, file.length))
        return IMPORTER;
    if (file.length == sizeof request - 1 && !memcmp(path, request, file.length))
        return OURS;
    if (length && is_installed(path, length))
        return OURS;
    if (length && length == ours.length && !memcmp(path, view->text + ours.offset, length))
        return OURS;
    if (mp_place_is_starter(path, file.length))
        return STARTER;
    return mp_place_is_library(path, file.length)                   ? LIBRARY
           : !file.length || mp_place_is_package(path, file.length) ? PACKAGE
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
                        const struct mp_heap_node *node, bool waits)
{
    uint8_t kind = own->codes[node->code], above = own->nodes[node->parent];
    bool outer = above == OUTER || above == OUTER_OURS;
    if (mp_heap_is_border(node) || mp_heap_is_tag(node))
        return OUTER;
    if (waits)
        return kind == OURS ? OUTER_OURS : OUTER;
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

/* The end of a file's path, and a function there. */
struct known {
    const char *file, *name;
};

static bool is_one_of(const struct known known[2], const struct mp_heap_view *view,
                      uint32_t code)
{
    struct mp_heap_text file = view->codes[code].file, name = view->codes[code].name;
    for (size_t i = 0; i < 2; i++)
        if (name.length == strlen(known[i].name) &&
            !memcmp(view->text + name.offset, known[i].name, name.length) &&
            mp_place_ends_with(view->text + file.offset, file.length, known[i].file))
            return true;
    return false;
}

/* Whether it runs what the user typed: IPython's, and our magics'. */
static bool runs_cells(const struct mp_heap_view *view, uint32_t code)
{
    static const struct known shells[2] = {
        {"/IPython/core/interactiveshell.py", "InteractiveShell.run_code"},
        {"/memory_profiler/_notebook/cells.py", "Statement.run"},
    };
    return is_one_of(shells, view, code);
}

/* What multiprocessing begins a worker with, `python -c "from multiprocessing.spawn import spawn_main; ..."`, is
   not the user's. */
static void find_spawned(struct mp_heap_own *own, const struct mp_heap_view *view)
{
    static const struct known mains[2] = {
        {"/multiprocessing/spawn.py", "spawn_main"},
        {"/multiprocessing/forkserver.py", "main"},
    };
    for (size_t i = own->node_count ? own->node_count : 1; i < view->counts[MP_HEAP_NODES];
         i++) {
        const struct mp_heap_node *node = &view->nodes[i];
        uint32_t above = view->nodes[node->parent].code;
        if (own->codes[node->code] == LIBRARY && own->codes[above] == THEIRS &&
            is_module(view, above) && is_one_of(mains, view, node->code))
            own->codes[above] = LIBRARY;
    }
}

static bool is_programs(const struct mp_heap_own *own, const struct mp_heap_view *view,
                        uint32_t code)
{
    struct mp_heap_text file = view->codes[code].file;
    return own->codes[code] == THEIRS &&
           !mp_place_is_script(view->text + file.offset, file.length);
}

/* Marks the nodes that only wait for cells to run. `cells`: of each code, whether it runs them. */
static void find_waiting(struct mp_heap_own *own, const struct mp_heap_view *view,
                         const bool *cells)
{
    size_t count = view->counts[MP_HEAP_NODES];
    uint8_t *marks = own->nodes;
    for (size_t i = 1; i < count; i++) {
        const struct mp_heap_node *node = &view->nodes[i];
        marks[i] = marks[node->parent] & (INSIDE | CALLED);
        if (!(marks[i] & INSIDE) && is_programs(own, view, node->code))
            marks[i] |= CALLED;
        if (cells[node->code])
            marks[i] |= marks[i] & CALLED ? INSIDE : INSIDE | WAITS;
    }
    for (size_t i = count; i-- > 1;)
        marks[view->nodes[i].parent] |= marks[i] & WAITS;
}

/* All nodes are decided again. */
static void begin_anew(struct mp_heap_own *own)
{
    if (own->node_count)
        memset(own->nodes, 0, own->node_count);
    own->anew += own->node_count > 0;
    own->node_count = 0;
}

static int find_cells(struct mp_heap_own *own, const struct mp_heap_view *view)
{
    bool *cells = calloc(view->counts[MP_HEAP_CODES] + 1, sizeof *cells), any = false;
    if (!cells)
        return -1;
    for (uint32_t i = 1; i < view->counts[MP_HEAP_CODES]; i++)
        any |= cells[i] = runs_cells(view, i);
    if (any) { /* of those above, too, that were there before */
        begin_anew(own);
        find_waiting(own, view, cells);
    }
    free(cells);
    return 0;
}

static bool is_of_no_file(const struct mp_heap_view *view, uint32_t code)
{
    static const char file[] = "<string>";
    struct mp_heap_text its = view->codes[code].file;
    return its.length == sizeof file - 1 &&
           !memcmp(view->text + its.offset, file, sizeof file - 1);
}

/* The methods that dataclasses write are in no file, and whoever calls them is the user. */
static uint8_t kind_of_code(const struct mp_heap_view *view, uint32_t code, uint8_t kind)
{
    static const char name[] = "__create_fn__";
    struct mp_heap_text its = view->codes[code].name;
    bool is_theirs = kind == THEIRS && its.length >= sizeof name - 1 &&
                     is_of_no_file(view, code) &&
                     !memcmp(view->text + its.offset, name, sizeof name - 1);
    return is_theirs ? LIBRARY : kind;
}

/* Nor is what these modules of the library compile of a text. */
static void find_generated(struct mp_heap_own *own, const struct mp_heap_view *view)
{
    static const char *const modules[] = {"/dataclasses.py", "/collections/__init__.py"};
    for (size_t i = own->node_count ? own->node_count : 1; i < view->counts[MP_HEAP_NODES];
         i++) {
        uint32_t code = view->nodes[i].code,
                 above = view->nodes[view->nodes[i].parent].code;
        struct mp_heap_text by = view->codes[above].file;
        if (own->codes[code] != THEIRS || own->codes[above] != LIBRARY ||
            !is_of_no_file(view, code))
            continue;
        for (size_t j = 0; j < sizeof modules / sizeof *modules; j++)
            if (mp_place_ends_with(view->text + by.offset, by.length, modules[j]))
                own->codes[code] = LIBRARY;
    }
}

/* Of all codes, each file once. */
static int find_all_kinds(struct mp_heap_own *own, const struct mp_heap_view *view)
{
    struct mp_heap_distinct distinct;
    uint8_t *kinds = NULL;
    if (!mp_heap_distinct_init(&distinct, view))
        kinds = calloc(distinct.count + 1, 1);
    for (size_t i = 0; kinds && i < distinct.count; i++)
        kinds[i] = kind_of(view, distinct.files[i], own->folder);
    for (size_t i = 1; kinds && i < view->counts[MP_HEAP_CODES]; i++)
        own->codes[i] = kind_of_code(view, (uint32_t)i, kinds[distinct.numbers[i]]);
    int failed = kinds ? 0 : -1;
    free(kinds);
    mp_heap_distinct_release(&distinct);
    return failed;
}

/* Of the codes that are new. Once our folder is known all are looked at again. */
static int find_kinds(struct mp_heap_own *own, const struct mp_heap_view *view)
{
    bool was_known = own->folder.length;
    if (!was_known)
        own->folder = find_folder(view);
    if (!own->code_count || (!was_known && own->folder.length)) {
        begin_anew(own);
        return find_all_kinds(own, view);
    }
    for (size_t i = own->code_count; i < view->counts[MP_HEAP_CODES]; i++)
        own->codes[i] = kind_of_code(view, (uint32_t)i,
                                     kind_of(view, view->codes[i].file, own->folder));
    return 0;
}

/* The code that the program begins with; 0: it is not known. */
static uint32_t first_code(const struct mp_heap_own *own, const struct mp_heap_view *view)
{
    for (size_t i = 1; i < view->counts[MP_HEAP_NODES]; i++) {
        const struct mp_heap_node *node = &view->nodes[i];
        uint8_t above = own->nodes[node->parent];
        if (node->code && own->nodes[i] == THE_PROGRAMS && is_module(view, node->code) &&
            (above == OUTER || above == OUTER_OURS))
            return node->code;
    }
    return 0;
}

/* The installed code that comes first behind it; 0: none. */
static uint32_t installed_behind(const struct mp_heap_own *own,
                                 const struct mp_heap_view *view, uint32_t code)
{
    bool behind = false;
    for (size_t i = 1; i < view->counts[MP_HEAP_NODES]; i++) {
        uint32_t its = view->nodes[i].code;
        if (behind && own->codes[its] == PACKAGE && view->codes[its].file.length)
            return its;
        behind |= its == code;
    }
    return 0;
}

static bool is_same(const struct mp_heap_view *view, struct mp_heap_text a,
                    struct mp_heap_text b)
{
    return a.length == b.length &&
           !memcmp(view->text + a.offset, view->text + b.offset, a.length);
}

/* Whether any file is the user's but this one; what was compiled from a text is in none. */
static bool has_others(const struct mp_heap_own *own, const struct mp_heap_view *view,
                       struct mp_heap_text script)
{
    for (size_t i = 1; i < view->counts[MP_HEAP_CODES]; i++) {
        struct mp_heap_text file = view->codes[i].file;
        if (own->users[i] && view->text[file.offset] != '<' && !is_same(view, file, script))
            return true;
    }
    return false;
}

/* The package of an installed file is the user's too. */
static void add_package(struct mp_heap_own *own, const struct mp_heap_view *view,
                        struct mp_heap_text file)
{
    const char *path = view->text + file.offset;
    size_t length = mp_place_package_length(path, file.length);
    for (size_t i = 1; i < view->counts[MP_HEAP_CODES] && length; i++) {
        struct mp_heap_text its = view->codes[i].file;
        own->users[i] |= (own->codes[i] == PACKAGE || own->codes[i] == LIBRARY) &&
                         its.length >= length &&
                         !memcmp(view->text + its.offset, path, length);
    }
}

/* What is not installed is the user's. Where nothing is, the program's own package is: it begins
   there, or is a script of pip's that calls it. */
static void find_users(struct mp_heap_own *own, const struct mp_heap_view *view)
{
    uint32_t first = first_code(own, view);
    struct mp_heap_text file = view->codes[first].file;
    bool script = mp_place_is_script(view->text + file.offset, file.length);
    for (size_t i = 1; i < view->counts[MP_HEAP_CODES]; i++)
        own->users[i] = own->codes[i] == THEIRS;
    if (!first || (own->users[first] && !script) ||
        has_others(own, view, script ? file : (struct mp_heap_text){0}))
        return;
    first = script ? installed_behind(own, view, first) : first;
    if (first)
        add_package(own, view, view->codes[first].file);
}

static int make_room(struct mp_heap_own *own, const struct mp_heap_view *view)
{
    size_t codes = view->counts[MP_HEAP_CODES] + 1, nodes = view->counts[MP_HEAP_NODES] + 1;
    return mp_array_reserve((void **)&own->codes, &own->code_room, codes, 1) ||
           mp_array_reserve((void **)&own->users, &own->user_room, codes,
                            sizeof *own->users) ||
           mp_array_reserve((void **)&own->nodes, &own->node_room, nodes, 1);
}

int mp_heap_own_grow(struct mp_heap_own *own, const struct mp_heap_view *view)
{
    if (make_room(own, view) || find_kinds(own, view) || find_cells(own, view))
        return -1;
    own->nodes[0] = OUTER;
    for (size_t i = own->node_count ? own->node_count : 1; i < view->counts[MP_HEAP_NODES];
         i++)
        own->nodes[i] = owner_of(own, view, &view->nodes[i], own->nodes[i] & WAITS);
    find_spawned(own, view);
    find_generated(own, view);
    own->code_count = view->counts[MP_HEAP_CODES];
    own->node_count = view->counts[MP_HEAP_NODES];
    find_users(own, view);
    return 0;
}

int mp_heap_own_init(struct mp_heap_own *own, const struct mp_heap_view *view)
{
    *own = (struct mp_heap_own){0};
    if (!mp_heap_own_grow(own, view))
        return 0;
    mp_heap_own_release(own);
    return -1;
}

void mp_heap_own_release(struct mp_heap_own *own)
{
    free(own->codes);
    free(own->nodes);
    free(own->users);
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
    return code && own->users[code];
}

/* Parents come first. */
void mp_heap_own_nearest(const struct mp_heap_own *own, const struct mp_heap_view *view,
                         uint32_t *near)
{
    near[0] = 0;
    for (uint32_t i = 1; i < view->counts[MP_HEAP_NODES]; i++) {
        const struct mp_heap_node *node = &view->nodes[i];
        bool users = own && mp_heap_own_is_users(own, node->code);
        near[i] = users ? i : near[node->parent];
    }
}

bool mp_heap_own_may_be_users(const struct mp_heap_own *own, uint32_t code)
{
    uint8_t kind = own->codes[code];
    return code && (kind == THEIRS || kind == PACKAGE || kind == LIBRARY);
}

bool mp_heap_own_is_outer(const struct mp_heap_own *own, uint32_t node)
{
    return own->nodes[node] == OUTER || own->nodes[node] == OUTER_OURS;
}

bool mp_heap_is_library(const struct mp_heap_view *view, struct mp_heap_text file)
{
    return mp_place_is_library(view->text + file.offset, file.length);
}
