#include "cmd/heap/victims.h"

#include <string.h>

#include "cmd/heap/choice.h"
#include "report/heap/groups.h"

static int find(struct mp_heap_victim *victim, const struct mp_heap_mine *mine,
                const char *here)
{
    const struct mp_heap_view *view = &victim->capture.view;
    return mp_heap_find_own(&victim->own, view, mine) ||
           mp_heap_lines_init(&victim->lines, view, &victim->own) ||
           mp_heap_tags_init(&victim->tags, view, &victim->lines) ||
           mp_heap_paths_init(&victim->paths, view, here);
}

/* The tags, or none, under which most was held, the heaviest first. */
static void describe(struct mp_heap_killed_row *row, const struct mp_heap_victim *victim)
{
    const struct mp_heap_tags *tags = &victim->tags;
    row->view = &victim->capture.view;
    row->paths = &victim->paths;
    row->tagged = tags->count > 1;
    for (size_t i = 0; i < tags->count; i++) {
        const struct mp_heap_tagged *tag = &tags->tags[i];
        size_t at = row->count;
        if (!tag->code)
            continue;
        while (at && row->held[at - 1].sum.at_peak < tag->sum.at_peak)
            at--;
        if (at == MP_HEAP_KILLED_TAGS)
            continue;
        row->count += row->count < MP_HEAP_KILLED_TAGS;
        memmove(&row->held[at + 1], &row->held[at],
                (row->count - at - 1) * sizeof *row->held);
        row->held[at] = *tag;
    }
}

/* What a process is chosen by, the most first; -1: not at all. */
typedef int64_t weigh(const struct mp_heap_process *);

static int64_t held_when_killed(const struct mp_heap_process *process)
{
    return process->gone ? process->sum.live : -1;
}

static int64_t unmanaged(const struct mp_heap_process *process)
{
    const struct mp_engine_look *look = &process->engine.looks[MP_ENGINE_MOST];
    return look->time ? mp_engine_unmanaged(look) : -1;
}

static void choose(struct mp_heap_killed *killed, const struct mp_heap_processes *list,
                   weigh *weight)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct mp_heap_process *process = &list->processes[i];
        size_t at = killed->count;
        if (weight(process) < 0)
            continue;
        while (at && weight(killed->rows[at - 1].process) < weight(process))
            at--;
        bool full = killed->count == MP_HEAP_KILLED_MOST;
        killed->more += full;
        if (at == MP_HEAP_KILLED_MOST)
            continue;
        killed->count += !full;
        memmove(&killed->rows[at + 1], &killed->rows[at],
                (killed->count - at - 1) * sizeof *killed->rows);
        killed->rows[at] = (struct mp_heap_killed_row){.process = process};
    }
}

static int init(struct mp_heap_victims *victims, const struct mp_heap_views *views,
                const struct mp_heap_mine *mine, weigh *weight)
{
    struct mp_heap_killed *killed = &victims->killed;
    const struct mp_heap_processes *list = &views->run.processes;
    *victims = (struct mp_heap_victims){.killed.hosts = mp_heap_hosts(list) > 1};
    choose(killed, list, weight);
    for (size_t i = 0; i < killed->count; i++) {
        struct mp_heap_victim *victim = &victims->victims[i];
        if (mp_heap_open(&victim->capture, killed->rows[i].process->file))
            continue; /* it was said why */
        if (find(victim, mine, views->here))
            return -1;
        killed->rows[i].unsure = victim->capture.writer == MP_WRITER_UNKNOWN;
        describe(&killed->rows[i], victim);
    }
    return 0;
}

int mp_heap_victims_init(struct mp_heap_victims *victims, const struct mp_heap_views *views,
                         const struct mp_heap_mine *mine)
{
    *victims = (struct mp_heap_victims){0};
    return views->run.processes.count > 1 ? init(victims, views, mine, held_when_killed)
                                          : 0;
}

int mp_heap_victims_init_workers(struct mp_heap_victims *victims,
                                 const struct mp_heap_views *views,
                                 const struct mp_heap_mine *mine)
{
    return init(victims, views, mine, unmanaged);
}

void mp_heap_victims_release(struct mp_heap_victims *victims)
{
    for (size_t i = 0; i < victims->killed.count; i++) {
        struct mp_heap_victim *victim = &victims->victims[i];
        mp_heap_paths_release(&victim->paths);
        mp_heap_tags_release(&victim->tags);
        mp_heap_lines_release(&victim->lines);
        mp_heap_own_release(&victim->own);
        mp_heap_capture_release(&victim->capture);
    }
    *victims = (struct mp_heap_victims){0};
}
