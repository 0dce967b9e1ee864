#include "capture/objects/rows.h"

#include <errno.h>

#include "base/pages.h"
#include "capture/heap/accounting/open_addressing.h"
#include "capture/objects/groups.h"
#include "capture/objects/owners.h"
#include "capture/objects/sizes.h"
#include "capture/objects/waste.h"

/* Of all that is retained, what is worth a row; of a row, what one thing below it may not have. */
enum { LEAST_SHARE = 500, MOST_BELOW_OF_FIVE = 4 };

/* That are told apart; that have rows where the largest are asked for. */
enum { MOST_TYPES = 1 << 14, SHOWN_TYPES = 10 };

/* The largest few. */
struct best {
    uint32_t of[MP_HOLDERS_OF_ONE];
    uint64_t weight[MP_HOLDERS_OF_ONE];
    uint32_t count;
    uint64_t left_out;
};

static void keep_best(struct best *best, uint32_t one, uint64_t weight)
{
    uint32_t at = best->count;
    while (at && best->weight[at - 1] < weight)
        at--;
    if (best->count == MP_HOLDERS_OF_ONE)
        best->left_out++;
    if (at == MP_HOLDERS_OF_ONE)
        return;
    if (best->count < MP_HOLDERS_OF_ONE)
        best->count++;
    for (uint32_t i = best->count - 1; i > at; i--) {
        best->of[i] = best->of[i - 1];
        best->weight[i] = best->weight[i - 1];
    }
    best->of[at] = one;
    best->weight[at] = weight;
}

static struct mp_words words_of(struct mp_holders *holders)
{
    return (struct mp_words){holders->text, holders->text_size, MP_HOLDERS_TEXT};
}

/* NULL: there is no room. */
static struct mp_holder *add_row(const struct mp_answering *answering, uint32_t number)
{
    struct mp_holders *holders = answering->holders;
    if (holders->count == MP_HOLDERS_ROWS)
        return NULL;
    struct mp_holder *row = &holders->rows[holders->count++];
    *row = (struct mp_holder){.question = number, .path = holders->text_size};
    return row;
}

static void end_path(const struct mp_answering *answering, struct mp_holder *row,
                     const struct mp_words *words)
{
    row->length = (uint32_t)words->size - row->path;
    answering->holders->text_size = (uint32_t)words->size;
}

static uint64_t retained_of(const struct mp_answering *answering, uint32_t node)
{
    uint32_t number = answering->tree->number[node];
    return number ? answering->tree->retained[number]
                  : mp_size_of(answering->graph->objects[node]);
}

/* Of one object. */
static struct mp_holder *add_one(const struct mp_answering *answering, uint32_t node,
                                 uint32_t number)
{
    struct mp_holder *row = add_row(answering, number);
    if (!row)
        return NULL;
    row->count = 1;
    row->bytes = mp_size_of(answering->graph->objects[node]);
    row->retained = retained_of(answering, node);
    return row;
}

/* What holds much that is in no one thing below it: a cache's dict, not the cache, not an entry. */
static int add_largest(const struct mp_answering *answering, uint32_t number)
{
    const struct mp_dominators *tree = answering->tree;
    const struct mp_paths paths = {answering->graph, answering->reach, NULL, NULL};
    struct best best = {.count = 0};
    uint64_t *below = mp_pages_new(tree->count, sizeof *below);
    if (!below)
        return -1;
    for (uint32_t k = tree->count - 1; k > 0; k--) {
        uint64_t retained = tree->retained[k], *above = &below[tree->dominator[k]];
        *above = retained > *above ? retained : *above;
        if (retained >= tree->retained[0] / LEAST_SHARE &&
            below[k] / MOST_BELOW_OF_FIVE < retained / (MOST_BELOW_OF_FIVE + 1))
            keep_best(&best, tree->node[k], retained);
    }
    mp_pages_free(below, tree->count, sizeof *below);
    for (uint32_t i = 0; i < best.count; i++) {
        struct mp_holder *row = add_one(answering, best.of[i], number);
        struct mp_words words = words_of(answering->holders);
        if (!row)
            break;
        mp_path_put(&paths, &words, best.of[i], false);
        end_path(answering, row, &words);
    }
    return 0;
}

/* How far a node is from its root; what has no name is behind all that has one. Of a long list's nodes, each
   of which may refer to what is asked for, not all the way is gone. */
static uint64_t distance(const struct mp_answering *answering, uint32_t node)
{
    enum { NAMELESS = 1 << 20, FAR = 1 << 10 };
    uint64_t steps = 0;
    uint32_t root = node;
    for (uint32_t up = node; up && up != MP_NOT_REACHED;
         up = answering->reach->parent[up]) {
        root = up;
        if (++steps == FAR)
            return FAR;
    }
    const struct mp_root *its = mp_graph_root(answering->graph, root);
    bool named = !node || (its && its->kind < MP_ROOT_NATIVE);
    return steps + (named ? 0 : NAMELESS);
}

static void add_referrers(const struct mp_answering *answering, uint32_t node,
                          struct best *best)
{
    const struct mp_object_graph *graph = &answering->graph->graph;
    for (uint32_t from = 1; from < graph->count; from++) {
        bool refers = false;
        for (uint32_t i = graph->first[from]; i < graph->first[from + 1]; i++)
            refers = refers || graph->edges[i] == node;
        if (refers && from != answering->graph->aside &&
            answering->reach->parent[from] != MP_NOT_REACHED)
            keep_best(best, from, UINT64_MAX - distance(answering, from));
    }
    const struct mp_root *root = mp_graph_root(answering->graph, node);
    if (root)
        keep_best(best, 0, UINT64_MAX - (root->kind < MP_ROOT_NATIVE ? 1 : UINT32_MAX));
}

/* A row for each that refers to it, nearest to a name first. */
static int add_object(const struct mp_answering *answering, const PyObject *object,
                      uint32_t number)
{
    const struct mp_paths paths = {answering->graph, answering->reach, NULL, NULL};
    uint32_t node = mp_graph_find(answering->graph, object);
    struct best best = {.count = 0};
    if (!node)
        return 0;
    add_referrers(answering, node, &best);
    if (!best.count) /* the root says that there is none */
        keep_best(&best, 0, 1);
    for (uint32_t i = 0; i < best.count; i++) {
        struct mp_holder *row = add_one(answering, node, number);
        struct mp_words words = words_of(answering->holders);
        if (!row)
            break;
        mp_path_put_by(&paths, &words, best.of[i], node);
        end_path(answering, row, &words);
    }
    return 0;
}

static void add_others(const struct mp_answering *answering, const struct mp_groups *groups,
                       const struct best *best, uint32_t number)
{
    struct mp_holder *row = best->left_out ? add_row(answering, number) : NULL;
    for (uint32_t i = 0; row && i < groups->count; i++) {
        bool shown = !groups->groups[i].count;
        for (uint32_t k = 0; k < best->count; k++)
            shown = shown || best->of[k] == i;
        if (shown)
            continue;
        row->others++;
        row->count += groups->groups[i].count;
        row->bytes += groups->groups[i].bytes;
        row->retained += groups->groups[i].apart; /* one may retain another */
    }
}

/* What others hold too retains little for all its size, and is most of them. */
static uint64_t weight_of(const struct mp_group *group)
{
    return (group->retained > group->bytes ? group->retained : group->bytes) + 1;
}

static void add_groups(const struct mp_answering *answering, const struct mp_groups *groups,
                       uint32_t number)
{
    const struct mp_paths paths = {answering->graph, answering->reach, mp_groups_has_others,
                                   groups};
    struct best best = {.count = 0};
    for (uint32_t i = 0; i < groups->count; i++)
        if (groups->groups[i].count)
            keep_best(&best, i, weight_of(&groups->groups[i]));
    for (uint32_t i = 0; i < best.count; i++) {
        const struct mp_group *group = &groups->groups[best.of[i]];
        struct mp_holder *row = add_row(answering, number);
        struct mp_words words = words_of(answering->holders);
        if (!row)
            return;
        row->count = group->count;
        row->bytes = group->bytes;
        row->retained = group->retained;
        mp_path_put(&paths, &words, group->first, true);
        if (group->repeats)
            mp_words_put(&words, " …");
        end_path(answering, row, &words);
    }
    add_others(answering, groups, &best, number);
}

static int add_many(const struct mp_answering *answering, const uint8_t *wanted,
                    uint32_t number)
{
    struct mp_groups groups;
    if (mp_groups_init(&groups, answering->graph, answering->reach, answering->tree,
                       wanted))
        return -1;
    add_groups(answering, &groups, number);
    mp_groups_release(&groups);
    return 0;
}

static bool is_of(const struct mp_question *types, const PyObject *object)
{
    for (size_t i = 0; i < types->count; i++)
        if (types->objects[i] == (PyObject *)Py_TYPE(object))
            return true;
    return false;
}

static void want(const struct mp_answering *answering, const struct mp_question *question,
                 uint8_t *wanted)
{
    const struct mp_graph *graph = answering->graph;
    bool types = question->kind == MP_ASK_TYPES;
    for (uint32_t i = 1; i < graph->count && types; i++)
        wanted[i] = i != graph->aside && is_of(question, graph->objects[i]);
    for (size_t i = 0; i < question->count && !types; i++)
        wanted[mp_graph_find(graph, question->objects[i])] = 1;
    wanted[0] = 0;
}

/* The types of a graph, by the bytes of their objects. */
struct weighed {
    PyObject *type;
    uint64_t bytes;
};

static void weigh(const struct mp_graph *graph, struct weighed *types)
{
    for (uint32_t i = 1; i < graph->count; i++) {
        PyObject *object = graph->objects[i], *type = (PyObject *)Py_TYPE(object);
        size_t at = mp_open_addressing_home((uintptr_t)type, MOST_TYPES), tried = 0;
        while (types[at].type && types[at].type != type && tried++ < MOST_TYPES)
            at = (at + 1) & (MOST_TYPES - 1);
        if (types[at].type && types[at].type != type)
            continue; /* there are too many */
        types[at].type = type;
        types[at].bytes += mp_size_of(object);
    }
}

/* One type's rows, which say of what they are. */
static int add_type(const struct mp_answering *answering, PyObject *type, uint32_t number)
{
    struct mp_holders *holders = answering->holders;
    const struct mp_question question = {
        .kind = MP_ASK_TYPES, .objects = &type, .count = 1};
    struct mp_words words = words_of(holders);
    uint32_t of = holders->text_size, first = holders->count;
    mp_words_put_type(&words, (PyTypeObject *)type);
    holders->text_size = (uint32_t)words.size;
    uint32_t length = holders->text_size - of;
    int failed = mp_rows_add(answering, &question, number);
    for (uint32_t i = first; i < holders->count; i++) {
        holders->rows[i].of = of;
        holders->rows[i].of_length = length;
    }
    return failed;
}

static int add_each_type(const struct mp_answering *answering,
                         const struct mp_question *question, uint32_t number)
{
    int failed = 0;
    for (size_t i = 0; i < question->count && !failed; i++)
        failed = add_type(answering, question->objects[i], number);
    return failed;
}

static int add_largest_types(const struct mp_answering *answering, uint32_t number)
{
    struct weighed *types = mp_pages_new(MOST_TYPES, sizeof *types);
    struct best best = {.count = 0};
    int failed = !types;
    if (types)
        weigh(answering->graph, types);
    for (uint32_t i = 0; types && i < MOST_TYPES; i++)
        if (types[i].type)
            keep_best(&best, i, types[i].bytes);
    for (uint32_t i = 0; i < best.count && i < SHOWN_TYPES && !failed; i++)
        failed = add_type(answering, types[best.of[i]].type, number);
    mp_pages_free(types, MOST_TYPES, sizeof *types);
    return failed;
}

static bool is_it(const void *context, uint32_t node)
{
    return *(const uint32_t *)context == node;
}

static void add_owner(const struct mp_answering *answering, const struct mp_owner *owner,
                      uint32_t number)
{
    const struct mp_paths paths = {answering->graph, answering->reach,
                                   owner->count > 1 ? is_it : NULL, &owner->node};
    struct mp_words words = words_of(answering->holders);
    uint32_t of = answering->holders->text_size;
    mp_words_put_type(&words, (PyTypeObject *)owner->type);
    answering->holders->text_size = (uint32_t)words.size;
    struct mp_holder *row = add_row(answering, number);
    if (!row)
        return;
    row->of = of;
    row->of_length = answering->holders->text_size - of;
    row->others = owner->above;
    row->count = owner->count;
    row->bytes = owner->bytes;
    row->retained = owner->retained;
    mp_path_put(&paths, &words, owner->node, false);
    end_path(answering, row, &words);
}

static int add_owners(const struct mp_answering *answering, uint32_t number)
{
    struct mp_owners *owners = mp_pages_new(1, sizeof *owners);
    if (!owners || mp_owners_find(owners, answering->graph, answering->tree)) {
        mp_pages_free(owners, 1, sizeof *owners);
        return -1;
    }
    for (uint32_t i = 0; i < owners->count; i++)
        add_owner(answering, &owners->owners[i], number);
    mp_pages_free(owners, 1, sizeof *owners);
    return 0;
}

int mp_rows_add(const struct mp_answering *answering, const struct mp_question *question,
                uint32_t number)
{
    uint8_t *wanted = NULL;
    int failed;
    if (question->kind == MP_ASK_LARGEST)
        return add_largest(answering, number);
    if (question->kind == MP_ASK_WASTE)
        return mp_waste_find(answering->holders, answering->graph, answering->reach,
                             question->lines);
    if (question->kind == MP_ASK_OWNERS)
        return add_owners(answering, number);
    if (question->kind == MP_ASK_LARGEST_TYPES)
        return add_largest_types(answering, number);
    if (question->kind == MP_ASK_EACH_TYPE)
        return add_each_type(answering, question, number);
    if (question->kind == MP_ASK_OBJECT)
        return add_object(answering, question->objects[0], number);
    wanted = mp_pages_new(answering->graph->count, 1);
    if (!wanted)
        return -1;
    want(answering, question, wanted);
    failed = add_many(answering, wanted, number);
    mp_pages_free(wanted, answering->graph->count, 1);
    return failed;
}
