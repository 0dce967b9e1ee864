#include "capture/objects/graph.h"

#include <errno.h>

#include "base/pages.h"
#include "capture/heap/accounting/open_addressing.h"
#include "capture/heap/frames/tracked.h"
#include "capture/objects/references.h"

enum { FIRST_SLOTS = 1 << 16 };

static uint32_t *slot_of(const struct mp_graph *graph, const PyObject *object)
{
    size_t at = mp_open_addressing_home((uintptr_t)object, graph->mask + 1);
    while (graph->slots[at] && graph->objects[graph->slots[at]] != object)
        at = (at + 1) & graph->mask;
    return &graph->slots[at];
}

static int grow_slots(struct mp_graph *graph)
{
    size_t room = graph->slots ? (graph->mask + 1) * 2 : FIRST_SLOTS;
    uint32_t *slots = mp_pages_new(room, sizeof *slots);
    if (!slots)
        return -1;
    if (graph->slots)
        mp_pages_free(graph->slots, graph->mask + 1, sizeof *slots);
    graph->slots = slots;
    graph->mask = room - 1;
    for (uint32_t i = 1; i < graph->count; i++)
        *slot_of(graph, graph->objects[i]) = i;
    return 0;
}

/* An object's number, from now on if it had none; 0: no memory. */
static uint32_t number_of(struct mp_graph *graph, PyObject *object)
{
    uint32_t *slot = slot_of(graph, object);
    if (*slot)
        return *slot;
    if (graph->count == UINT32_MAX ||
        mp_pages_reserve((void **)&graph->objects, &graph->objects_room, graph->count + 1,
                         sizeof(PyObject *))) {
        graph->failed = true;
        return 0;
    }
    uint32_t number = *slot = (uint32_t)graph->count++;
    graph->objects[number] = object;
    if (graph->count * 2 > graph->mask && grow_slots(graph)) {
        graph->failed = true;
        return 0;
    }
    return number;
}

static int see_object(PyObject *object, void *graph)
{
    if (!((struct mp_graph *)graph)->failed)
        number_of(graph, object);
    return !((struct mp_graph *)graph)->failed;
}

static int see_asked(PyObject *object, void *graph)
{
    see_object(object, graph);
    return 0;
}

static int see_reference(PyObject *object, void *context)
{
    struct mp_graph *graph = context;
    uint32_t number = graph->failed ? 0 : number_of(graph, object);
    if (graph->edge_count == UINT32_MAX ||
        mp_pages_reserve((void **)&graph->edges, &graph->edges_room, graph->edge_count + 1,
                         sizeof *graph->edges)) {
        graph->failed = true;
        return 0;
    }
    graph->edges[graph->edge_count++] = number;
    return 0;
}

/* More objects come as references to them are seen. */
static void add_references(struct mp_graph *graph)
{
    for (uint32_t i = 1; !graph->failed; i++) {
        if (mp_pages_reserve((void **)&graph->first, &graph->first_room, (size_t)i + 1,
                             sizeof *graph->first))
            graph->failed = true;
        else
            graph->first[i] = (uint32_t)graph->edge_count;
        if (i == graph->count || graph->failed)
            break;
        if (i != graph->aside)
            mp_references_visit(graph->objects[i], see_reference, graph);
    }
}

static void add_root(struct mp_graph *graph, const struct mp_root *root)
{
    size_t count = graph->root_count;
    if (mp_pages_reserve((void **)&graph->roots, &graph->roots_room, count + 1,
                         sizeof *graph->roots) ||
        mp_pages_reserve((void **)&graph->held, &graph->held_room, count + 1,
                         sizeof *graph->held)) {
        graph->failed = true;
        return;
    }
    graph->roots[count] = root->node;
    graph->held[count] = *root;
    graph->root_count++;
}

/* References by number that are not explained yet. */
struct explaining {
    struct mp_graph *graph;
    uint32_t *known;
};

static void see_root(void *context, PyObject *object, const struct mp_root *root, bool ours)
{
    const struct explaining *explaining = context;
    struct mp_root its = *root;
    its.node = mp_graph_find(explaining->graph, object);
    if (!its.node)
        return;
    if (root->kind == MP_ROOT_LOCAL)
        explaining->known[its.node]++;
    if (ours || its.node == explaining->graph->aside)
        return;
    add_root(explaining->graph, &its);
    if (root->kind == MP_ROOT_MODULE) /* they come first */
        explaining->graph->turns[MP_TURN_MODULES]++;
}

static int see_aside(PyObject *object, void *context)
{
    const struct explaining *explaining = context;
    explaining->known[mp_graph_find(explaining->graph, object)]++;
    return 0;
}

static void number_root(void *graph, PyObject *object, const struct mp_root *root,
                        bool ours)
{
    (void)root;
    (void)ours;
    see_object(object, graph);
}

/* Those that never go have no count; types of C are theirs who made them. */
static bool is_held_by_native(PyObject *object, uint32_t known)
{
    const uint64_t immortal = 1u << 29;
    uint64_t count = (uint64_t)Py_REFCNT(object);
    if (count >= immortal)
        return !known || PyType_Check(object);
    return count > known;
}

/* `alone`: those that no object refers to. */
static void add_native(const struct explaining *explaining, bool alone)
{
    struct mp_graph *graph = explaining->graph;
    const uint32_t *known = explaining->known;
    for (uint32_t i = 1; i < graph->count && !graph->failed; i++)
        if (i != graph->aside && !known[i] == alone &&
            is_held_by_native(graph->objects[i], known[i]))
            add_root(graph, &(struct mp_root){.kind = MP_ROOT_NATIVE, .node = i});
}

static void add_roots(struct mp_graph *graph, const char *own)
{
    struct explaining explaining = {graph, mp_pages_new(graph->count, sizeof(uint32_t))};
    if (!explaining.known) {
        graph->failed = true;
        return;
    }
    for (size_t i = 0; i < graph->edge_count; i++)
        explaining.known[graph->edges[i]]++;
    if (graph->aside)
        mp_references_visit(graph->objects[graph->aside], see_aside, &explaining);
    mp_roots_visit(own, see_root, &explaining);
    graph->turns[MP_TURN_FRAMES] = (uint32_t)graph->root_count;
    add_native(&explaining, true);
    graph->turns[MP_TURN_NATIVE] = (uint32_t)graph->root_count;
    add_native(&explaining, false);
    graph->turns[MP_TURN_SHARED] = (uint32_t)graph->root_count;
    mp_pages_free(explaining.known, graph->count, sizeof(uint32_t));
}

int mp_graph_init(struct mp_graph *graph, PyObject *aside, const char *own)
{
    *graph = (struct mp_graph){.count = 1};
    if (grow_slots(graph) || mp_pages_reserve((void **)&graph->objects,
                                              &graph->objects_room, 1, sizeof(PyObject *)))
        graph->failed = true;
    if (!graph->failed && aside) {
        graph->aside = number_of(graph, aside);
        mp_references_visit(aside, see_asked, graph);
    }
    if (!graph->failed) {
        mp_tracked_each(see_object, graph);
        mp_roots_visit(own, number_root, graph);
        add_references(graph);
    }
    if (!graph->failed)
        add_roots(graph, own);
    graph->graph =
        (struct mp_object_graph){(uint32_t)graph->count, (uint32_t)graph->root_count,
                                 graph->first, graph->edges, graph->roots};
    if (!graph->failed)
        return 0;
    mp_graph_release(graph);
    errno = ENOMEM;
    return -1;
}

void mp_graph_release(struct mp_graph *graph)
{
    mp_pages_free(graph->objects, graph->objects_room, sizeof *graph->objects);
    if (graph->slots)
        mp_pages_free(graph->slots, graph->mask + 1, sizeof *graph->slots);
    mp_pages_free(graph->first, graph->first_room, sizeof *graph->first);
    mp_pages_free(graph->edges, graph->edges_room, sizeof *graph->edges);
    mp_pages_free(graph->roots, graph->roots_room, sizeof *graph->roots);
    mp_pages_free(graph->held, graph->held_room, sizeof *graph->held);
    *graph = (struct mp_graph){0};
}

uint32_t mp_graph_find(const struct mp_graph *graph, const PyObject *object)
{
    return *slot_of(graph, object);
}

const struct mp_root *mp_graph_root(const struct mp_graph *graph, uint32_t node)
{
    for (size_t i = 0; i < graph->root_count; i++)
        if (graph->held[i].node == node)
            return &graph->held[i];
    return NULL;
}
