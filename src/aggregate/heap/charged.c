#include "aggregate/heap/charged.h"

#include <stdlib.h>

int mp_heap_charged_init(struct mp_heap_charged *charged, const struct mp_heap_lines *lines)
{
    *charged = (struct mp_heap_charged){
        lines, calloc(lines->numbers + 1, sizeof *charged->positions)};
    for (size_t i = 0; charged->positions && i < lines->all; i++)
        charged->positions[lines->lines[i].number] = (uint32_t)i + 1;
    return charged->positions ? 0 : -1;
}

void mp_heap_charged_release(struct mp_heap_charged *charged)
{
    free(charged->positions);
    *charged = (struct mp_heap_charged){0};
}

const struct mp_heap_line *mp_heap_charged_line(const struct mp_heap_charged *charged,
                                                uint32_t number)
{
    uint32_t position = charged->positions[number];
    return position ? &charged->lines->lines[position - 1] : NULL;
}

uint32_t mp_heap_charged_to(const struct mp_heap_charged *charged, uint32_t node)
{
    const struct mp_heap_lines *lines = charged->lines;
    uint32_t number = lines->places[node];
    const struct mp_heap_line *line = mp_heap_charged_line(charged, number);
    if (!line || line->users || !lines->origins.users)
        return number;
    uint32_t user = lines->places[lines->origins.users[node]];
    const struct mp_heap_line *users = mp_heap_charged_line(charged, user);
    return users && users->users ? user : number;
}
