#include "capture/objects/path.h"

#include <string.h>

#include "capture/objects/steps.h"

/* Of longer ways the first and the last nodes. */
enum { LONGEST = 48, LAST = 8, FILE_NAME = 60 };

struct way {
    uint32_t nodes[LONGEST]; /* the root's first */
    int count;
    bool cut; /* some are left out before the last ones */
};

/* The names of the nodes from a root to this one. */
static void find_way(const struct mp_paths *paths, uint32_t node, struct way *way)
{
    const uint32_t *parent = paths->reach->parent;
    int length = 0, at = 0;
    for (uint32_t up = node; up && up != MP_NOT_REACHED; up = parent[up])
        length++;
    way->count = length < LONGEST ? length : LONGEST;
    way->cut = length > LONGEST;
    for (uint32_t up = node; up && up != MP_NOT_REACHED; up = parent[up]) {
        int place = length - 1 - at;
        if (at < LAST || !way->cut)
            way->nodes[way->count - 1 - at] = up;
        else if (place < LONGEST - LAST)
            way->nodes[place] = up;
        at++;
    }
}

static void put_file(struct mp_words *words, PyObject *file)
{
    Py_ssize_t begin = PyUnicode_FindChar(file, '/', 0, PyUnicode_GET_LENGTH(file), -1) + 1;
    for (Py_ssize_t i = begin; i < PyUnicode_GET_LENGTH(file); i++) {
        Py_UCS4 character = PyUnicode_READ_CHAR(file, i);
        char byte = character < 0x7f && character >= 0x20 ? (char)character : '?';
        mp_words_put_bytes(words, &byte, 1);
    }
}

static void put_local(struct mp_words *words, const struct mp_root *root)
{
    mp_words_put_text(words, root->code->co_qualname, FILE_NAME);
    mp_words_put(words, "() at ");
    put_file(words, root->code->co_filename);
    mp_words_put(words, ":");
    mp_words_put_number(words, root->line);
    mp_words_put(words, ": ");
    mp_words_put_text(words, root->name, FILE_NAME);
}

static void put_root(const struct mp_paths *paths, struct mp_words *words, uint32_t node)
{
    const struct mp_root *root = mp_graph_root(paths->graph, node);
    switch (root ? root->kind : MP_ROOT_NONE) {
    case MP_ROOT_MODULE:
        mp_words_put_text(words, root->name, FILE_NAME);
        return;
    case MP_ROOT_LOCAL:
        put_local(words, root);
        return;
    case MP_ROOT_THREAD:
        mp_words_put(words, "(data of a thread)");
        break;
    case MP_ROOT_NATIVE:
        mp_words_put(words, "(C code, or a value in use)");
        break;
    case MP_ROOT_NONE:
        mp_words_put(words, "(a cycle that gc has not found yet)");
        break;
    }
    mp_words_put(words, " → ");
    mp_words_put_type(words, Py_TYPE(paths->graph->objects[node]));
}

static PyObject *object_of(const struct mp_paths *paths, uint32_t node)
{
    return node ? paths->graph->objects[node] : NULL;
}

static void put_step(const struct mp_paths *paths, struct mp_words *words, uint32_t owner,
                     uint32_t from, uint32_t to, bool last)
{
    const struct mp_step step = {
        object_of(paths, owner), object_of(paths, from), object_of(paths, to),
        paths->is_one_of_many && paths->is_one_of_many(paths->context, to), last};
    mp_step_put(&step, words);
}

void mp_path_put(const struct mp_paths *paths, struct mp_words *words, uint32_t node,
                 bool dict)
{
    struct way way;
    find_way(paths, node, &way);
    put_root(paths, words, way.count ? way.nodes[0] : node);
    for (int i = 1; i < way.count; i++) {
        bool gap = way.cut && i == LONGEST - LAST;
        if (gap)
            mp_words_put(words, " … → ");
        if (gap)
            mp_words_put_type(words, Py_TYPE(paths->graph->objects[way.nodes[i]]));
        else
            put_step(paths, words, i > 1 ? way.nodes[i - 2] : 0, way.nodes[i - 1],
                     way.nodes[i], dict && i == way.count - 1);
    }
}

void mp_path_put_by(const struct mp_paths *paths, struct mp_words *words, uint32_t by,
                    uint32_t node)
{
    if (!by) {
        put_root(paths, words, node);
        return;
    }
    uint32_t owner = paths->reach->parent[by];
    mp_path_put(paths, words, by, false);
    put_step(paths, words, owner == MP_NOT_REACHED ? 0 : owner, by, node, true);
}

struct mp_label mp_path_label(const struct mp_paths *paths, uint32_t node)
{
    uint32_t from = paths->reach->parent[node];
    PyObject *object = paths->graph->objects[node];
    if (!from)
        return (struct mp_label){(uintptr_t)object, Py_TYPE(object)};
    const struct mp_step step = {object_of(paths, paths->reach->parent[from]),
                                 object_of(paths, from), object, false, false};
    return (struct mp_label){mp_step_name(&step), Py_TYPE(object)};
}
