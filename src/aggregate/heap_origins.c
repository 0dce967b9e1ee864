#include "aggregate/heap_origins.h"

#include <stdlib.h>

/* A line of the user's is reached by its callers, whoever they are. */
static void find_users(struct mp_heap_origins *origins, const struct mp_heap_own *own)
{
    const struct mp_heap_node *nodes = origins->view->nodes;
    for (uint32_t i = 1; i < origins->view->counts[MP_HEAP_NODES]; i++) {
        uint32_t above = nodes[i].parent;
        bool users = mp_heap_own_is_users(own, nodes[above].code);
        origins->users[i] = users ? above : origins->users[above];
    }
    for (uint32_t i = 1; i < origins->view->counts[MP_HEAP_NODES]; i++)
        if (mp_heap_own_is_users(own, nodes[i].code))
            origins->users[i] = 0;
}

int mp_heap_origins_init(struct mp_heap_origins *origins, const struct mp_heap_view *view,
                         const struct mp_heap_stacks *stacks, const struct mp_heap_own *own)
{
    size_t count = view->counts[MP_HEAP_NODES], room = 16;
    while (room < count * 2)
        room *= 2;
    *origins =
        (struct mp_heap_origins){.view = view,
                                 .stacks = stacks,
                                 .users = calloc(count + 1, sizeof *origins->users),
                                 .origins = calloc(count + 1, sizeof *origins->origins),
                                 .slots = calloc(room, sizeof *origins->slots),
                                 .mask = room - 1};
    if (!origins->users || !origins->origins || !origins->slots)
        return -1;
    if (own)
        find_users(origins, own);
    return 0;
}

void mp_heap_origins_release(struct mp_heap_origins *origins)
{
    free(origins->users);
    free(origins->origins);
    free(origins->slots);
    *origins = (struct mp_heap_origins){0};
}

uint32_t mp_heap_origins_find(struct mp_heap_origins *origins, uint32_t line, uint32_t node)
{
    uint32_t user = origins->users[node];
    uint32_t code = user ? origins->view->nodes[user].code : 0;
    int number = user ? origins->stacks->lines[user] : 0;
    uint64_t hash = ((uint64_t)line << 32 | code) * 0x9E3779B97F4A7C15u;
    hash = (hash ^ (uint32_t)number) * 0x9E3779B97F4A7C15u;
    size_t at = (size_t)(hash >> 32) & origins->mask;
    for (; origins->slots[at]; at = (at + 1) & origins->mask) {
        const struct mp_heap_origin *there = &origins->origins[origins->slots[at] - 1];
        if (there->line == line && there->code == code && there->number == number)
            return origins->slots[at] - 1;
    }
    origins->origins[origins->count] =
        (struct mp_heap_origin){.line = line, .code = code, .number = number};
    origins->slots[at] = (uint32_t)++origins->count;
    return origins->slots[at] - 1;
}
