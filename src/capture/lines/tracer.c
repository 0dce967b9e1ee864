#include "capture/lines/tracer.h"

#include <stdlib.h>

#include "base/array.h"

struct mp_meter *mp_tracer_meter(void)
{
    static struct mp_meter meter;
    static bool open;
    if (!open)
        open = !mp_meter_open(&meter, 0, MP_RSS);
    return &meter;
}

unsigned mp_tracer_flows;

struct mp_tracer *mp_tracer_new(void)
{
    struct mp_tracer *tracer = calloc(1, sizeof *tracer);
    if (tracer)
        tracer->references = 1;
    return tracer;
}

void mp_tracer_use_flow(struct mp_tracer *tracer, mp_flow_find *flow)
{
    tracer->flow = flow;
    tracer->more = true;
    mp_tracer_flows++;
}

void mp_tracer_keep(struct mp_tracer *tracer)
{
    tracer->references++;
}

void mp_tracer_drop(struct mp_tracer *tracer)
{
    if (--tracer->references)
        return;
    for (size_t i = 0; i < tracer->count; i++) {
        mp_line_table_release(tracer->traced[i].table);
        free(tracer->traced[i].table);
    }
    free(tracer->traced);
    free(tracer->bound);
    if (tracer->flow)
        mp_tracer_flows--;
    if (tracer->on_release)
        tracer->on_release(tracer);
    free(tracer);
}

struct mp_line_table *mp_tracer_add(struct mp_tracer *tracer, const void *code, int first,
                                    int last, int entry)
{
    if (mp_array_reserve((void **)&tracer->traced, &tracer->room, tracer->count + 1,
                         sizeof *tracer->traced))
        return NULL;
    struct mp_line_table *table = malloc(sizeof *table);
    if (!table)
        return NULL;
    if (mp_line_table_init(table, first, last, entry)) {
        free(table);
        return NULL;
    }
    tracer->traced[tracer->count++] = (struct mp_traced){.code = code, .table = table};
    return table;
}

size_t mp_tracer_room(const struct mp_tracer *tracer, size_t from)
{
    size_t room = 0;
    for (; from < tracer->count; from++)
        room += mp_line_table_room(tracer->traced[from].table);
    return room;
}
