#include "aggregate/heap/origins.h"

#include <stdlib.h>

#include "base/mix.h"

/* A line of the user's is reached by its callers, whoever they are. */
static void find_users(struct mp_heap_origins *origins, const struct mp_heap_view *view,
                       const struct mp_heap_own *own)
{
    mp_heap_own_nearest(own, view, origins->users);
    for (uint32_t i = 1; i < view->counts[MP_HEAP_NODES]; i++)
        if (origins->users[i] == i)
            origins->users[i] = 0;
}

int mp_heap_origins_init(struct mp_heap_origins *origins, const struct mp_heap_view *view,
                         const uint32_t *places, const struct mp_heap_own *own)
{
    size_t count = view->counts[MP_HEAP_NODES];
    *origins =
        (struct mp_heap_origins){.places = places,
                                 .users = calloc(count + 1, sizeof *origins->users),
                                 .origins = calloc(count + 1, sizeof *origins->origins)};
    if (!origins->users || !origins->origins || mp_slots_init(&origins->slots, 0))
        return -1;
    find_users(origins, view, own);
    return 0;
}

void mp_heap_origins_release(struct mp_heap_origins *origins)
{
    free(origins->users);
    free(origins->origins);
    mp_slots_release(&origins->slots);
    *origins = (struct mp_heap_origins){0};
}

uint32_t mp_heap_origins_find(struct mp_heap_origins *origins, uint32_t node)
{
    uint32_t line = origins->places[node], user = origins->places[origins->users[node]];
    uint64_t hash = mp_mix(line, user);
    struct mp_slots_at at;
    for (mp_slots_begin(&at, &origins->slots, hash); mp_slots_next(&at, &origins->slots);) {
        const struct mp_heap_origin *there = &origins->origins[at.number - 1];
        if (there->line == line && there->user == user)
            return at.number;
    }
    origins->origins[origins->count] = (struct mp_heap_origin){.line = line, .user = user};
    if (mp_slots_put(&at, &origins->slots, (uint32_t)++origins->count))
        return 0;
    return (uint32_t)origins->count;
}
