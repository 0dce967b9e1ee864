/* A whole run as it was recorded: what the .dat reader fills and everything downstream reads.
 *
 *     timeline ── total: points          CALL/FUNC ── spans ── names
 *        │  └──── marks, bounds                        (index)
 *        └─ tracks, one per child: points, name
 *
 * Points are sorted by time once the timeline is read.
 */
#ifndef MP_RECORD_SERIES_H
#define MP_RECORD_SERIES_H

#include "record/identity.h"
#include "record/timeline.h"

struct mp_series {
    struct mp_point *points; /* owned, like all arrays here */
    size_t count, room;
};

struct mp_track {
    int pid, parent;
    char *name; /* unescaped bytes, or NULL */
    struct mp_series series, cpu;
};

/* A set of numbered byte strings. */
struct mp_names {
    struct mp_name {
        char *text;
        size_t length;
    } * items;
    size_t count, room;
    int *slots; /* hash table of indices + 1 */
    size_t slot_count;
};

struct mp_timeline {
    char *command; /* as recorded, or NULL */
    int version;   /* 0: memory_profiler 0.61 wrote it */
    int pid;       /* 0: not known */
    struct mp_identity identity;
    int64_t interval;
    bool tree;   /* totals are of a whole tree */
    bool stands; /* a point says what was so until the next: no gap, no line between */
    char metric[16];
    struct mp_series total, group, limits;
    struct mp_series kills; /* how many, in the place of bytes */
    struct mp_series
        sleeps; /* when one was over; ns slept up to then, in the place of bytes */
    struct mp_series cpu; /* 1/MP_PERCENT in the place of bytes, as a track's */
    struct mp_track *tracks;
    size_t track_count, track_room;
    int *track_slots; /* hash table of indices + 1, by pid */
    size_t track_slot_count;
    struct mp_mark *marks, *bounds;
    size_t mark_count, mark_room, bound_count, bound_room;
    struct mp_span *spans;
    size_t span_count, span_room;
    struct mp_names names;
    struct mp_run_end end;
    bool ended;             /* there was an END record */
    bool cut;               /* the last line has no end */
    uint64_t records;       /* understood */
    uint64_t skipped;       /* lines that were not */
    uint64_t first_skipped; /* number of the first of them */
};

void mp_timeline_release(struct mp_timeline *);

/* 0, or -1 with errno ENOMEM, as all of these. */
int mp_series_add(struct mp_series *, int64_t time, int64_t bytes);

/* Sorts by time, equal times in the order recorded. No work when sorted already. */
void mp_series_sort(struct mp_series *);

/* Makes of every time but those of its sleeps what `moved` makes of it. */
void mp_timeline_move(struct mp_timeline *, int64_t moved(const void *, int64_t),
                      const void *with);

/* The index of a name, added if new; -1 with errno ENOMEM. */
int mp_names_index(struct mp_names *, const char *text, size_t length);
void mp_names_release(struct mp_names *);

/* The track of a process, added if new; NULL with errno ENOMEM. */
struct mp_track *mp_timeline_track(struct mp_timeline *, int pid);

#endif
