#include "capture/objects/reach.h"

#include <errno.h>
#include <string.h>

#include "base/pages.h"

static void add(struct mp_reach *reach, uint32_t node, uint32_t parent)
{
    if (!node || reach->parent[node] != MP_NOT_REACHED)
        return;
    reach->parent[node] = parent;
    reach->order[reach->count++] = node;
}

/* Adds what the nodes of one distance, from `at` to `end`, refer to. */
static void go_on(struct mp_reach *reach, const struct mp_object_graph *graph, uint32_t at,
                  uint32_t end)
{
    for (; at < end; at++) {
        uint32_t node = reach->order[at];
        for (uint32_t i = graph->first[node]; i < graph->first[node + 1]; i++)
            add(reach, graph->edges[i], node);
    }
}

static void walk(struct mp_reach *reach, const struct mp_object_graph *graph,
                 const struct mp_reach_turn *turns, uint32_t count)
{
    uint32_t turn = 0, root = 0, distance = 1, at = 0;
    for (;;) {
        while (turn < count && (turns[turn].distance <= distance || at == reach->count)) {
            for (; root < turns[turn].end; root++)
                add(reach, graph->roots[root], 0);
            turn++;
        }
        uint32_t end = reach->count;
        if (at == end)
            return;
        go_on(reach, graph, at, end);
        at = end;
        distance++;
    }
}

int mp_reach_init(struct mp_reach *reach, const struct mp_object_graph *graph,
                  const struct mp_reach_turn *turns, uint32_t count)
{
    *reach = (struct mp_reach){.nodes = graph->count};
    reach->parent = mp_pages_new(graph->count, sizeof *reach->parent);
    reach->order = mp_pages_new(graph->count, sizeof *reach->order);
    if (!reach->parent || !reach->order) {
        mp_reach_release(reach);
        errno = ENOMEM;
        return -1;
    }
    memset(reach->parent, 0xff, graph->count * sizeof *reach->parent);
    walk(reach, graph, turns, count);
    return 0;
}

void mp_reach_release(struct mp_reach *reach)
{
    mp_pages_free(reach->parent, reach->nodes, sizeof *reach->parent);
    mp_pages_free(reach->order, reach->nodes, sizeof *reach->order);
    *reach = (struct mp_reach){0};
}
