#include "record/series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

int mp_series_add(struct mp_series *series, int64_t time, int64_t bytes)
{
    if (series->count == series->room &&
        mp_array_reserve((void **)&series->points, &series->room, series->count + 1,
                         sizeof *series->points))
        return -1;
    series->points[series->count++] = (struct mp_point){time, bytes};
    return 0;
}

static bool is_sorted(const struct mp_series *series)
{
    for (size_t i = 1; i < series->count; i++)
        if (series->points[i].time < series->points[i - 1].time)
            return false;
    return true;
}

/* Merges two sorted halves; stable, which qsort is not. */
static void merge_sort(struct mp_point *points, struct mp_point *spare, size_t count)
{
    if (count < 2)
        return;
    size_t half = count / 2, left = 0, right = half;
    merge_sort(points, spare, half);
    merge_sort(points + half, spare, count - half);
    memcpy(spare, points, half * sizeof *points);
    for (size_t at = 0; left < half; at++)
        points[at] = right < count && points[right].time < spare[left].time
                         ? points[right++]
                         : spare[left++];
}

void mp_series_sort(struct mp_series *series)
{
    if (is_sorted(series))
        return;
    struct mp_point *spare = malloc((series->count / 2 + 1) * sizeof *spare);
    if (spare)
        merge_sort(series->points, spare, series->count);
    free(spare);
}

/* What every time of a timeline becomes. */
struct move {
    int64_t (*moved)(const void *, int64_t);
    const void *with;
};

static void move_points(const struct move *move, struct mp_series *series)
{
    for (size_t i = 0; i < series->count; i++)
        series->points[i].time = move->moved(move->with, series->points[i].time);
}

static void move_marks(const struct move *move, struct mp_mark *marks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        marks[i].from = move->moved(move->with, marks[i].from);
        marks[i].to = move->moved(move->with, marks[i].to);
    }
}

void mp_timeline_move(struct mp_timeline *timeline, int64_t moved(const void *, int64_t),
                      const void *with)
{
    struct move move = {moved, with};
    move_points(&move, &timeline->total);
    move_points(&move, &timeline->group);
    move_points(&move, &timeline->limits);
    move_points(&move, &timeline->cpu);
    move_points(&move, &timeline->kills);
    for (size_t i = 0; i < timeline->track_count; i++) {
        move_points(&move, &timeline->tracks[i].series);
        move_points(&move, &timeline->tracks[i].cpu);
    }
    move_marks(&move, timeline->marks, timeline->mark_count);
    move_marks(&move, timeline->bounds, timeline->bound_count);
    for (size_t i = 0; i < timeline->span_count; i++) {
        struct mp_span *span = &timeline->spans[i];
        span->enter.time = moved(with, span->enter.time);
        span->leave.time = moved(with, span->leave.time);
    }
    timeline->end.time = moved(with, timeline->end.time);
}

static uint64_t hash_bytes(const char *text, size_t length)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    return hash ^ hash >> 29;
}

/* A table twice as large as the items it numbers needs it; NULL when there is no memory. */
static int *larger_table(int *slots, size_t *slot_count, size_t items)
{
    if (items * 2 < *slot_count)
        return slots;
    size_t more = *slot_count ? *slot_count * 2 : 64;
    int *grown = calloc(more, sizeof *grown);
    if (!grown)
        return NULL;
    free(slots);
    *slot_count = more;
    return grown;
}

static size_t name_slot(const struct mp_names *names, const char *text, size_t length)
{
    size_t slot = hash_bytes(text, length) & (names->slot_count - 1);
    for (int at; (at = names->slots[slot]); slot = (slot + 1) & (names->slot_count - 1)) {
        const struct mp_name *name = &names->items[at - 1];
        if (name->length == length && !memcmp(name->text, text, length))
            break;
    }
    return slot;
}

static int grow_names(struct mp_names *names)
{
    size_t before = names->slot_count;
    int *slots = larger_table(names->slots, &names->slot_count, names->count + 1);
    if (!slots)
        return -1;
    names->slots = slots;
    for (size_t i = 0; names->slot_count != before && i < names->count; i++)
        slots[name_slot(names, names->items[i].text, names->items[i].length)] = (int)i + 1;
    return mp_array_reserve((void **)&names->items, &names->room, names->count + 1,
                            sizeof *names->items);
}

int mp_names_index(struct mp_names *names, const char *text, size_t length)
{
    if (grow_names(names))
        return -1;
    size_t slot = name_slot(names, text, length);
    if (names->slots[slot])
        return names->slots[slot] - 1;
    char *copy = malloc(length + 1);
    if (!copy)
        return -1;
    memcpy(copy, text, length);
    copy[length] = 0;
    names->items[names->count] = (struct mp_name){copy, length};
    names->slots[slot] = (int)++names->count;
    return (int)names->count - 1;
}

void mp_names_release(struct mp_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i].text);
    free(names->items);
    free(names->slots);
    *names = (struct mp_names){0};
}

static size_t track_slot(const struct mp_timeline *timeline, int pid)
{
    size_t mask = timeline->track_slot_count - 1;
    size_t slot = (unsigned)pid * 2654435761u & mask;
    for (int at; (at = timeline->track_slots[slot]); slot = (slot + 1) & mask)
        if (timeline->tracks[at - 1].pid == pid)
            break;
    return slot;
}

struct mp_track *mp_timeline_track(struct mp_timeline *timeline, int pid)
{
    size_t before = timeline->track_slot_count;
    int *slots = larger_table(timeline->track_slots, &timeline->track_slot_count,
                              timeline->track_count + 1);
    if (!slots)
        return NULL;
    timeline->track_slots = slots;
    for (size_t i = 0; timeline->track_slot_count != before && i < timeline->track_count;
         i++)
        slots[track_slot(timeline, timeline->tracks[i].pid)] = (int)i + 1;
    size_t slot = track_slot(timeline, pid);
    if (slots[slot])
        return &timeline->tracks[slots[slot] - 1];
    if (mp_array_reserve((void **)&timeline->tracks, &timeline->track_room,
                         timeline->track_count + 1, sizeof *timeline->tracks))
        return NULL;
    struct mp_track *track = &timeline->tracks[timeline->track_count];
    *track = (struct mp_track){.pid = pid};
    slots[slot] = (int)++timeline->track_count;
    return track;
}

void mp_timeline_release(struct mp_timeline *timeline)
{
    for (size_t i = 0; i < timeline->track_count; i++) {
        free(timeline->tracks[i].name);
        free(timeline->tracks[i].series.points);
        free(timeline->tracks[i].cpu.points);
    }
    free(timeline->tracks);
    free(timeline->track_slots);
    free(timeline->command);
    free(timeline->total.points);
    free(timeline->group.points);
    free(timeline->limits.points);
    free(timeline->cpu.points);
    free(timeline->kills.points);
    free(timeline->sleeps.points);
    free(timeline->marks);
    free(timeline->bounds);
    free(timeline->spans);
    mp_names_release(&timeline->names);
    *timeline = (struct mp_timeline){0};
}
