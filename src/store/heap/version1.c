#include "store/heap/version1.h"

#include <stdlib.h>

enum { CHUNKS = 512, POINTS = 512, TABLES = 5, BALANCE = 16 /* numbers of one */ };

struct header {
    char magic[8];
    uint32_t version, header_size, node_size, followed;
    int64_t pid, wall_start, elapsed;
    uint32_t clean, epoch;
    int64_t live, peak, peak_time;
    uint64_t untracked, untracked_bytes, sample, shortened;
    uint64_t counts[TABLES];
    uint8_t owners[CHUNKS];
    int64_t balance[MP_HEAP_READINGS][BALANCE];
    int64_t interval;
    uint32_t bank, count[2], refused;
    struct mp_heap_point points[2][POINTS];
    uint64_t run;
    int64_t parent;
    uint64_t children;
    char command[MP_HEAP_COMMAND];
};

_Static_assert(sizeof(struct header) < sizeof(struct mp_heap_header), "it fits in place");

_Static_assert(sizeof(struct mp_heap_balance) == (BALANCE + 1) * sizeof(int64_t),
               "a balance has one number more, the last");

static void convert_series(struct mp_heap_series *to, const struct header *from)
{
    to->interval = from->interval;
    to->bank = from->bank;
    to->refused = from->refused;
    for (int bank = 0; bank < 2; bank++) {
        uint32_t count = from->count[bank];
        to->count[bank] =
            count <= POINTS ? count : MP_HEAP_POINTS + 1; /* found by checks */
        memcpy(to->points[bank], from->points[bank], sizeof from->points[bank]);
    }
}

static void convert_tables(struct mp_heap_header *to, const struct header *from)
{
    for (int table = MP_HEAP_NODES; table < TABLES; table++) {
        to->counts[table] = from->counts[table];
        to->item_sizes[table] = (uint32_t)mp_heap_item_size((enum mp_heap_table)table);
    }
    memcpy(to->owners, from->owners, sizeof from->owners);
}

static void convert(struct mp_heap_header *to, const struct header *from)
{
    *to = (struct mp_heap_header){.version = MP_HEAP_VERSION,
                                  .header_size = sizeof *to,
                                  .followed = from->followed,
                                  .pid = from->pid,
                                  .wall_start = from->wall_start,
                                  .elapsed = from->elapsed,
                                  .clean = from->clean,
                                  .epoch = from->epoch,
                                  .live = from->live,
                                  .peak = from->peak,
                                  .peak_time = from->peak_time,
                                  .untracked = from->untracked,
                                  .untracked_bytes = from->untracked_bytes,
                                  .sample = from->sample,
                                  .shortened = from->shortened,
                                  .most = (uint64_t)CHUNKS * MP_HEAP_CHUNK,
                                  .run = from->run,
                                  .parent = from->parent,
                                  .children = from->children};
    memcpy(to->magic, from->magic, sizeof to->magic);
    memcpy(to->command, from->command, sizeof to->command);
    for (int moment = 0; moment < MP_HEAP_READINGS; moment++)
        memcpy(&to->balance[moment], from->balance[moment], sizeof from->balance[moment]);
    convert_tables(to, from);
    convert_series(&to->series, from);
}

static enum mp_heap_problem damaged(struct mp_heap_made *made, const char *wrong,
                                    size_t offset)
{
    made->wrong = wrong;
    made->offset = (int64_t)offset;
    return MP_HEAP_DAMAGED;
}

enum mp_heap_problem mp_heap_version1_convert(struct mp_heap_header *header, size_t got,
                                              struct mp_heap_made *made)
{
    made->counts = offsetof(struct header, counts);
    made->owners = offsetof(struct header, owners);
    made->bank = offsetof(struct header, bank);
    if (got < sizeof(struct header))
        return damaged(made, "the file ends in its header", got);
    struct header *from = malloc(sizeof *from);
    if (!from)
        return MP_HEAP_SYSTEM;
    memcpy(from, header, sizeof *from);
    bool fits =
        from->header_size == sizeof *from && from->node_size == sizeof(struct mp_heap_node);
    convert(header, from);
    free(from);
    return fits ? MP_HEAP_OK
                : damaged(made, "sizes are not those of this version",
                          offsetof(struct header, header_size));
}

void mp_heap_version1_codes(struct mp_heap_code *codes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!codes[i].lines.length)
            codes[i].lines.offset = 0;
}
