/* Random graphs: what each node dominates, and the shortest way to it, against what taking nodes out shows. */
#include "unit.h"

#include <stdbool.h>
#include <stdlib.h>

#include "capture/objects/dominators.h"
#include "capture/objects/reach.h"

enum { NODES = 24, EDGES = 80, GRAPHS = 3000 };

struct made {
    uint32_t first[NODES + 1], edges[EDGES], roots[NODES];
    struct mp_object_graph graph;
};

static uint32_t drawn;

static uint32_t draw(uint32_t below)
{
    drawn = drawn * 1664525u + 1013904223u;
    return (drawn >> 8) % below;
}

static void make(struct made *made)
{
    uint32_t nodes = 2 + draw(NODES - 1), edges = 0, roots = 1 + draw(3);
    for (uint32_t node = 0; node < nodes; node++) {
        made->first[node] = edges;
        uint32_t more = node ? draw(5) : 0;
        for (uint32_t i = 0; i < more && edges < EDGES; i++)
            made->edges[edges++] = 1 + draw(nodes - 1);
    }
    made->first[nodes] = edges;
    for (uint32_t i = 0; i < roots; i++)
        made->roots[i] = 1 + draw(nodes - 1);
    made->graph =
        (struct mp_object_graph){nodes, roots, made->first, made->edges, made->roots};
}

/* Whether each is reached when one is taken out, 0: none. */
static void flood(const struct mp_object_graph *graph, uint32_t without, bool *reached)
{
    bool more = true;
    memset(reached, 0, NODES * sizeof *reached);
    for (uint32_t i = 0; i < graph->root_count; i++)
        reached[graph->roots[i]] = graph->roots[i] != without;
    while (more) {
        more = false;
        for (uint32_t node = 1; node < graph->count; node++)
            for (uint32_t i = graph->first[node];
                 reached[node] && i < graph->first[node + 1]; i++)
                if (!reached[graph->edges[i]] && graph->edges[i] != without)
                    more = reached[graph->edges[i]] = true;
    }
}

static uint64_t size(const void *context, uint32_t node)
{
    (void)context;
    return 1000 + node;
}

static void each_retains_what_is_not_reached_without_it(void **state)
{
    (void)state;
    for (drawn = 1; drawn % GRAPHS; drawn++) {
        uint32_t seed = drawn;
        struct made made;
        struct mp_dominators tree;
        bool all[NODES], left[NODES];
        make(&made);
        assert_int_equal(mp_dominators_init(&tree, &made.graph, size, NULL), 0);
        flood(&made.graph, 0, all);
        uint64_t whole = 0;
        for (uint32_t node = 1; node < made.graph.count; node++) {
            uint64_t retained = 0;
            flood(&made.graph, node, left);
            for (uint32_t other = 1; other < made.graph.count; other++)
                retained += all[other] && !left[other] ? size(NULL, other) : 0;
            whole += all[node] ? size(NULL, node) : 0;
            assert_int_equal(!!tree.number[node], all[node]);
            if (all[node])
                assert_int_equal(tree.retained[tree.number[node]], retained);
        }
        assert_int_equal(tree.retained[0], whole);
        mp_dominators_release(&tree);
        drawn = seed;
    }
}

/* By relaxing every reference until nothing changes. */
static void find_distances(const struct mp_object_graph *graph, uint32_t *distance)
{
    memset(distance, 0xff, NODES * sizeof *distance);
    for (uint32_t i = 0; i < graph->root_count; i++)
        distance[graph->roots[i]] = 1;
    for (uint32_t round = 0; round < graph->count; round++)
        for (uint32_t node = 1; node < graph->count; node++)
            for (uint32_t i = graph->first[node];
                 distance[node] != UINT32_MAX && i < graph->first[node + 1]; i++)
                if (distance[graph->edges[i]] > distance[node] + 1)
                    distance[graph->edges[i]] = distance[node] + 1;
}

static uint32_t steps_to(const struct mp_reach *reach, uint32_t node)
{
    uint32_t steps = 0;
    if (reach->parent[node] == MP_NOT_REACHED)
        return UINT32_MAX;
    for (; node; node = reach->parent[node])
        steps++;
    return steps;
}

static void each_is_reached_by_a_shortest_way(void **state)
{
    (void)state;
    for (drawn = 1; drawn % GRAPHS; drawn++) {
        uint32_t seed = drawn, distance[NODES], before = 0;
        struct made made;
        struct mp_reach reach;
        make(&made);
        const struct mp_reach_turn turn = {made.graph.root_count, 1};
        assert_int_equal(mp_reach_init(&reach, &made.graph, &turn, 1), 0);
        find_distances(&made.graph, distance);
        for (uint32_t node = 1; node < made.graph.count; node++)
            assert_int_equal(steps_to(&reach, node), distance[node]);
        for (uint32_t i = 0; i < reach.count; i++) {
            assert_true(distance[reach.order[i]] >= before);
            before = distance[reach.order[i]];
        }
        mp_reach_release(&reach);
        drawn = seed;
    }
}

/* 1 -> 2 -> 3 -> 4 from the first root; 3 and 4 are roots too, of later turns. */
static void roots_of_later_turns_name_what_is_farther_from_the_first(void **state)
{
    (void)state;
    const uint32_t first[] = {0, 0, 1, 2, 3, 3}, edges[] = {2, 3, 4}, roots[] = {1, 4, 3};
    const struct mp_object_graph graph = {5, 3, first, edges, roots};
    const struct mp_reach_turn turns[] = {{1, 1}, {2, 3}, {3, UINT32_MAX}};
    struct mp_reach reach;
    assert_int_equal(mp_reach_init(&reach, &graph, turns, 3), 0);
    assert_int_equal(reach.parent[3], 2); /* by its name */
    assert_int_equal(reach.parent[4], 0); /* a local, as far off as 3 */
    mp_reach_release(&reach);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_retains_what_is_not_reached_without_it),
        cmocka_unit_test(each_is_reached_by_a_shortest_way),
        cmocka_unit_test(roots_of_later_turns_name_what_is_farther_from_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
