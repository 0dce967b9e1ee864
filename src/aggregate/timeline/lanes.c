#include "aggregate/timeline/lanes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/timeline/decimate.h"
#include "base/saturate.h"

/* What lanes are made of: of each member its highest in each column. */
struct grid {
    const struct mp_members *members;
    struct mp_lanes *lanes;
    int64_t *cells;  /* owned; members x columns */
    int64_t *column; /* owned; room for one column of all */
};

static int64_t *row_of(const struct grid *grid, size_t member)
{
    return grid->cells + member * grid->lanes->columns;
}

static size_t column_of(const struct mp_lanes *lanes, int64_t time)
{
    double share = lanes->to > lanes->from
                       ? (double)mp_difference(time, lanes->from) /
                             (double)mp_difference(lanes->to, lanes->from)
                       : 0;
    size_t at = share > 0 ? (size_t)(share * (double)lanes->columns) : 0;
    return at < lanes->columns ? at : lanes->columns - 1;
}

static bool is_within(const struct mp_lanes *lanes, int64_t time)
{
    return time >= lanes->from && time <= lanes->to;
}

static void raise_to(int64_t *cell, int64_t bytes)
{
    if (bytes > *cell)
        *cell = bytes;
}

/* From one sample up to the next, unless those between are missing. */
static void fill_points(const struct mp_lanes *lanes, const struct mp_timeline *timeline,
                        int64_t *row)
{
    const struct mp_series *total = &timeline->total;
    int64_t gap = timeline->stands ? 0 : mp_gap_of(total, timeline->interval);
    for (size_t i = 0; i < total->count; i++) {
        const struct mp_point *point = &total->points[i];
        bool last = i + 1 == total->count ||
                    (gap && mp_difference(point[1].time, point->time) > gap);
        int64_t until = last ? point->time : point[1].time;
        if (until < lanes->from || point->time > lanes->to)
            continue;
        size_t first = column_of(lanes, point->time), end = column_of(lanes, until);
        for (size_t at = first; at <= end; at++)
            if (at < end || at == first)
                raise_to(&row[at], point->bytes);
    }
}

static void fill_row(const struct mp_lanes *lanes, const struct mp_timeline *timeline,
                     int64_t *row)
{
    for (size_t i = 0; i < lanes->columns; i++)
        row[i] = MP_NO_DATA;
    fill_points(lanes, timeline, row);
    for (size_t i = 0; i < timeline->mark_count; i++) {
        const struct mp_mark *mark = &timeline->marks[i];
        bool its = timeline->tree || (timeline->pid && mark->pid == timeline->pid);
        int64_t middle = mp_sum(mark->from, mp_difference(mark->to, mark->from) / 2);
        if (its && is_within(lanes, middle))
            raise_to(&row[column_of(lanes, middle)], mark->bytes);
    }
}

static int by_size(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* Of members first to end the lowest, median and highest of a column. */
static void sum_column(const struct grid *grid, struct mp_lane *lane, size_t first,
                       size_t end, size_t at)
{
    size_t count = 0;
    for (size_t i = first; i < end; i++)
        if (row_of(grid, i)[at] != MP_NO_DATA)
            grid->column[count++] = row_of(grid, i)[at];
    qsort(grid->column, count, sizeof *grid->column, by_size);
    lane->high[at] = count ? grid->column[count - 1] : MP_NO_DATA;
    if (lane->median) {
        lane->median[at] = count ? grid->column[count / 2] : MP_NO_DATA;
        lane->low[at] = count ? grid->column[0] : MP_NO_DATA;
    }
}

static int add_kills(struct mp_lane *lane, const struct mp_lanes *lanes,
                     const struct mp_member *member)
{
    const struct mp_timeline *timeline = member->timeline;
    const struct mp_series *told = &timeline->kills;
    int64_t left = timeline->ended ? timeline->end.kills : 0;
    for (size_t i = 0; i < told->count; i++) {
        left -= told->points[i].bytes;
        if (is_within(lanes, told->points[i].time) &&
            mp_series_add(&lane->kills, told->points[i].time, told->points[i].bytes))
            return -1;
    }
    if (left <= 0 && member->killed && !told->count)
        left = 1; /* by SIGKILL, nobody knows why */
    return left > 0 && is_within(lanes, timeline->end.time)
               ? mp_series_add(&lane->kills, timeline->end.time, left)
               : 0;
}

/* The lane of members first to end. */
static int fill_lane(const struct grid *grid, struct mp_lane *lane, size_t first,
                     size_t end)
{
    size_t columns = grid->lanes->columns;
    *lane = (struct mp_lane){.members = end - first, .who = first, .limit = -1};
    lane->high = calloc(columns, sizeof *lane->high);
    lane->median = end - first > 1 ? calloc(columns, sizeof *lane->median) : NULL;
    lane->low = end - first > 1 ? calloc(columns, sizeof *lane->low) : NULL;
    if (!lane->high || (end - first > 1 && (!lane->median || !lane->low)))
        return -1;
    for (size_t at = 0; at < columns; at++)
        sum_column(grid, lane, first, end, at);
    for (size_t i = first; i < end; i++) {
        const struct mp_member *member = &grid->members->items[i];
        if (member->peak > grid->members->items[lane->who].peak)
            lane->who = i;
        if (member->limit >= 0 && (lane->limit < 0 || member->limit < lane->limit))
            lane->limit = member->limit;
        if (add_kills(lane, grid->lanes, member))
            return -1;
    }
    return 0;
}

/* One member's own. With its host, where there are several and no lane of the host above it. */
static int add_member(const struct grid *grid, size_t which, bool beneath)
{
    const struct mp_member *member = &grid->members->items[which];
    struct mp_lane *lane = &grid->lanes->items[grid->lanes->count++];
    char key[MP_MEMBER_NAME];
    const char *host = member->timeline->identity.host;
    if (fill_lane(grid, lane, which, which + 1))
        return -1;
    mp_member_key(&member->timeline->identity, member->file, MP_MEMBER_BY_WORKER, key);
    if (beneath || grid->members->hosts < 2 || !*host)
        snprintf(lane->name, sizeof lane->name, "%s", key);
    else
        snprintf(lane->name, sizeof lane->name, "%.*s %s", MP_IDENTITY_HOST, host, key);
    lane->beneath = beneath;
    return 0;
}

static int add_host(const struct grid *grid, size_t first, size_t end)
{
    const struct mp_member *member = &grid->members->items[first];
    struct mp_lane *lane = &grid->lanes->items[grid->lanes->count++];
    char key[MP_MEMBER_NAME];
    if (fill_lane(grid, lane, first, end))
        return -1;
    mp_member_key(&member->timeline->identity, member->file, MP_MEMBER_BY_HOST, key);
    snprintf(lane->name, sizeof lane->name, "%.*s (%zu)", MP_IDENTITY_HOST, key,
             end - first);
    return 0;
}

/* Whether it is one of those chosen. */
static bool is_among(size_t which, const size_t *chosen, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (chosen[i] == which)
            return true;
    return false;
}

static size_t end_of_host(const struct mp_members *members, size_t first)
{
    const struct mp_member *items = members->items;
    size_t end = first + 1;
    while (end < members->count && !strcmp(items[end].timeline->identity.host,
                                           items[first].timeline->identity.host))
        end++;
    return end;
}

/* A lane a host, and below it those of its members that are unlike the others. Of very many hosts, those first in
   order have lanes; those that are not shown are in the band of all. */
static int add_hosts(const struct grid *grid, const struct mp_lanes_options *options)
{
    const struct mp_members *members = grid->members;
    size_t *unlike = calloc(options->most / 2 + 1, sizeof *unlike);
    size_t count = unlike ? mp_members_unlike(members, unlike, options->most / 2) : 0;
    int failed = unlike ? 0 : -1;
    size_t hosts = 0;
    for (size_t first = 0, end; first < members->count && !failed; first = end, hosts++) {
        end = end_of_host(members, first);
        bool shown = hosts < options->most;
        grid->lanes->left += !shown;
        bool one = end - first == 1;
        if (shown)
            failed = one ? add_member(grid, first, false) : add_host(grid, first, end);
        for (size_t i = first; i < end && !failed; i++)
            if (is_among(i, unlike, count) && !(shown && one))
                failed = add_member(grid, i, shown);
    }
    free(unlike);
    return failed;
}

static void set_window(struct mp_lanes *lanes, const struct mp_members *members,
                       const struct mp_lanes_options *options)
{
    lanes->columns = options->columns;
    lanes->from = INT64_MAX;
    lanes->to = INT64_MIN;
    for (size_t i = 0; i < members->count; i++) {
        if (members->items[i].from < lanes->from)
            lanes->from = members->items[i].from;
        if (members->items[i].to > lanes->to)
            lanes->to = members->items[i].to;
    }
    if (options->to >= 0) {
        lanes->from = options->from;
        lanes->to = options->to;
    }
}

int mp_lanes_init(struct mp_lanes *lanes, const struct mp_members *members,
                  const struct mp_lanes_options *options)
{
    struct grid grid = {members, lanes, NULL, NULL};
    size_t room = members->count > options->most ? 2 * options->most : members->count;
    *lanes = (struct mp_lanes){0};
    set_window(lanes, members, options);
    lanes->items = calloc(room + 1, sizeof *lanes->items);
    grid.cells = calloc(members->count + 1, options->columns * sizeof *grid.cells);
    grid.column = calloc(members->count + 1, sizeof *grid.column);
    int failed = lanes->items && grid.cells && grid.column ? 0 : -1;
    for (size_t i = 0; i < members->count && !failed; i++)
        fill_row(lanes, members->items[i].timeline, row_of(&grid, i));
    if (!failed)
        failed = fill_lane(&grid, &lanes->all, 0, members->count);
    if (!failed && members->count > options->most)
        failed = add_hosts(&grid, options);
    else
        for (size_t i = 0; i < members->count && !failed; i++)
            failed = add_member(&grid, i, false);
    free(grid.cells);
    free(grid.column);
    return failed;
}

static void release_lane(struct mp_lane *lane)
{
    free(lane->high);
    free(lane->median);
    free(lane->low);
    free(lane->kills.points);
}

void mp_lanes_release(struct mp_lanes *lanes)
{
    for (size_t i = 0; i < lanes->count; i++)
        release_lane(&lanes->items[i]);
    release_lane(&lanes->all);
    free(lanes->items);
    *lanes = (struct mp_lanes){0};
}
