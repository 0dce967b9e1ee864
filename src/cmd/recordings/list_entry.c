#include "cmd/recordings/list_entry.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/command.h"
#include "aggregate/timeline/peak.h"
#include "base/saturate.h"
#include "cmd/heap/run.h"
#include "cmd/shared/here.h"
#include "store/dat/read.h"
#include "store/heap/read.h"
#include "store/heap/run.h"

size_t mp_entry_children(const char *name)
{
    struct mp_heap_children children = {0};
    size_t count = mp_heap_children_find(&children, name, 0) ? 0 : children.count;
    mp_heap_children_release(&children);
    return count;
}

char *mp_entry_program(const char *name)
{
    char command[MP_HEAP_COMMAND];
    struct mp_heap_header header;
    mp_heap_command(command, mp_heap_peek(name, &header) ? header.command : "");
    return strdup(command);
}

static void read_heap(struct mp_entry *entry)
{
    struct mp_heap_run run;
    struct mp_heap_header header;
    int64_t when;
    entry->command = mp_entry_program(entry->name);
    entry->children = mp_entry_children(entry->name);
    entry->sample = mp_heap_peek(entry->name, &header) ? header.sample : 0;
    if (!mp_heap_run_read(&run, entry->name, false)) {
        entry->peak = mp_heap_run_peak(&run, &when);
        entry->duration = run.view.header->elapsed;
    }
    mp_heap_run_release(&run);
}

static void read_timeline(struct mp_entry *entry)
{
    struct mp_timeline timeline;
    if (mp_dat_read(&timeline, entry->name) == MP_DAT_OK) {
        const struct mp_series *total = &timeline.total;
        entry->command = timeline.command ? strdup(timeline.command) : NULL;
        entry->peak = mp_peak_total(&timeline);
        if (total->count) {
            int64_t last = total->points[total->count - 1].time;
            int64_t end =
                timeline.ended && timeline.end.time > last ? timeline.end.time : last;
            entry->duration = mp_difference(end, total->points[0].time);
        }
    }
    mp_timeline_release(&timeline);
}

void mp_entry_init(struct mp_entry *entry, const char *name)
{
    bool heap = mp_heap_started(name) >= 0;
    *entry = (struct mp_entry){.name = name,
                               .heap = heap,
                               .started = mp_recording_started(name, heap),
                               .duration = -1,
                               .peak = -1};
    if (heap)
        read_heap(entry);
    else
        read_timeline(entry);
}

void mp_entry_release(struct mp_entry *entry)
{
    free(entry->command);
    *entry = (struct mp_entry){0};
}
