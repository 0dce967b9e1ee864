#include "aggregate/heap/cycles.h"

#include <errno.h>
#include <stdlib.h>

enum { LONGEST = 8 };

/* How many frames in a row are what was so many frames above: by the length of the cycle. */
struct runs {
    uint32_t of[LONGEST];
};

struct search {
    const struct mp_heap_view *view;
    const struct mp_heap_own *own;
    bool together;
    uint32_t *shown; /* of each node: itself, or the nearest caller that is a frame */
    struct runs *runs;
};

static bool is_frame(const struct search *search, uint32_t node)
{
    return !mp_heap_own_is_outer(search->own, node) &&
           !mp_heap_own_is_ours(search->own, node) &&
           !(search->together &&
             mp_heap_own_is_importer(search->own, search->view->nodes[node].code));
}

static uint32_t caller_of(const struct search *search, uint32_t node)
{
    return search->shown[search->view->nodes[node].parent];
}

/* A cycle that has just ended: how long it is, how many times it ran, and how many times this
   function did, which may have begun one more. */
struct cycle {
    uint32_t length, times, turns;
};

/* The one that ran most often; of no length where none did twice. */
static struct cycle find_cycle(const struct search *search, uint32_t node)
{
    const struct mp_heap_node *nodes = search->view->nodes;
    uint32_t caller = caller_of(search, node), above = caller;
    struct cycle most = {0};
    for (uint32_t i = 0; i < LONGEST && above; i++, above = caller_of(search, above)) {
        if (nodes[above].code != nodes[node].code)
            continue;
        uint32_t length = i + 1, run = search->runs[caller].of[i] + 1;
        search->runs[node].of[i] = run;
        if (run >= length && run / length + 1 > most.times)
            most = (struct cycle){length, run / length + 1, (run + i) / length + 1};
    }
    return most;
}

static uint32_t find_group(uint32_t *groups, uint32_t code)
{
    while (groups[code] != code) {
        groups[code] = groups[groups[code]];
        code = groups[code];
    }
    return code;
}

/* The functions of the cycle that ends here are one group. */
static void join(const struct mp_heap_cycles *cycles, const struct search *search,
                 uint32_t node, uint32_t length)
{
    const struct mp_heap_node *nodes = search->view->nodes;
    uint32_t *groups = cycles->groups, first = nodes[node].code;
    if (!groups[first])
        groups[first] = first;
    for (; length > 1; length--) {
        node = caller_of(search, node);
        uint32_t code = nodes[node].code;
        if (!groups[code])
            groups[code] = code;
        groups[find_group(groups, code)] = find_group(groups, first);
    }
}

static void find(struct mp_heap_cycles *cycles, struct search *search, uint32_t least)
{
    const struct mp_heap_view *view = search->view;
    for (uint32_t i = 1; i < view->counts[MP_HEAP_NODES]; i++) {
        search->shown[i] = is_frame(search, i) ? i : caller_of(search, i);
        if (search->shown[i] != i || !view->nodes[i].code ||
            mp_heap_own_is_importer(search->own, view->nodes[i].code))
            continue;
        struct cycle cycle = find_cycle(search, i);
        cycles->times[i] = cycle.turns;
        if (cycle.length && cycle.times >= least) {
            join(cycles, search, i, cycle.length);
            cycles->any = true;
        }
    }
    for (uint32_t code = 1; code < view->counts[MP_HEAP_CODES]; code++)
        if (cycles->groups[code])
            cycles->groups[code] = find_group(cycles->groups, code);
}

int mp_heap_cycles_init(struct mp_heap_cycles *cycles, const struct mp_heap_view *view,
                        const struct mp_heap_own *own, uint32_t least, bool together)
{
    size_t nodes = view->counts[MP_HEAP_NODES] + 1;
    struct search search = {view, own, together, calloc(nodes, sizeof *search.shown),
                            calloc(nodes, sizeof *search.runs)};
    *cycles = (struct mp_heap_cycles){
        .groups = calloc(view->counts[MP_HEAP_CODES] + 1, sizeof *cycles->groups),
        .times = calloc(nodes, sizeof *cycles->times)};
    bool failed = !search.shown || !search.runs || !cycles->groups || !cycles->times;
    if (!failed)
        find(cycles, &search, least);
    free(search.shown);
    free(search.runs);
    if (!failed)
        return 0;
    mp_heap_cycles_release(cycles);
    errno = ENOMEM;
    return -1;
}

void mp_heap_cycles_release(struct mp_heap_cycles *cycles)
{
    free(cycles->groups);
    free(cycles->times);
    *cycles = (struct mp_heap_cycles){0};
}
