#include "aggregate/timeline/members.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/timeline/figure.h"
#include "aggregate/timeline/peak.h"
#include "base/saturate.h"

/* From where on a peak is unlike the others: times the median; percent of the limit. */
#define UNLIKE_TIMES 1.5
enum { NEAR_LIMIT = 95 };
enum { OF_NEAR = 1000, OF_KILLED = 2000 }; /* before all that are higher only */

static void find_peak(struct mp_member *member)
{
    const struct mp_timeline *timeline = member->timeline;
    const struct mp_series *total = &timeline->total;
    member->peak_time = member->from;
    for (size_t i = 0; i < total->count; i++)
        if (total->points[i].bytes > member->peak) {
            member->peak = total->points[i].bytes;
            member->peak_time = total->points[i].time;
        }
    for (size_t i = 0; i < timeline->mark_count; i++) {
        const struct mp_mark *mark = &timeline->marks[i];
        bool its = timeline->tree || (timeline->pid && mark->pid == timeline->pid);
        if (its && mark->bytes > member->peak) {
            member->peak = mark->bytes;
            member->peak_time = mp_sum(mark->from, mp_difference(mark->to, mark->from) / 2);
        }
    }
}

bool mp_is_killed(const struct mp_timeline *timeline)
{
    const struct mp_run_end *end = &timeline->end;
    bool its = end->ending == MP_ENDED_SIGNAL && end->code == SIGKILL;
    return timeline->kills.count || (timeline->ended && (its || end->kills > 0));
}

static struct mp_member member_of(const struct mp_timeline *timeline, const char *file,
                                  size_t number)
{
    const struct mp_series *total = &timeline->total;
    const struct mp_run_end *end = &timeline->end;
    struct mp_member member = {timeline, file, number, .peak = -1};
    member.from = total->points[0].time;
    member.to = total->points[total->count - 1].time;
    if (timeline->ended && end->time > member.to)
        member.to = end->time;
    member.limit = mp_figure_limit(timeline);
    member.killed = mp_is_killed(timeline);
    find_peak(&member);
    return member;
}

static int by_host(const void *left, const void *right)
{
    const struct mp_member *a = left, *b = right;
    const struct mp_identity *one = &a->timeline->identity, *two = &b->timeline->identity;
    int order = strverscmp(one->host, two->host);
    if (!order)
        order = strverscmp(one->rank, two->rank);
    if (!order)
        order = strverscmp(one->worker, two->worker);
    return order ? order : strverscmp(a->file, b->file);
}

static int by_size(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static int find_median(struct mp_members *members)
{
    int64_t *peaks = calloc(members->count + 1, sizeof *peaks);
    if (!peaks)
        return -1;
    for (size_t i = 0; i < members->count; i++)
        peaks[i] = members->items[i].peak;
    qsort(peaks, members->count, sizeof *peaks, by_size);
    members->median = peaks[members->count / 2];
    free(peaks);
    return 0;
}

static double unlike(const struct mp_member *member, int64_t median)
{
    double times = median > 0 ? (double)member->peak / (double)median : 1;
    bool near = member->limit > 0 &&
                (double)member->peak >= (double)member->limit * NEAR_LIMIT / 100;
    double sum = times > UNLIKE_TIMES ? times : 0;
    return sum + (near ? OF_NEAR : 0) + (member->killed ? OF_KILLED : 0);
}

int mp_members_init(struct mp_members *members, const struct mp_timeline *timelines,
                    const char *const *files, size_t count)
{
    *members = (struct mp_members){.items = calloc(count + 1, sizeof *members->items)};
    if (!members->items)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (timelines[i].total.count)
            members->items[members->count++] = member_of(&timelines[i], files[i], i);
    qsort(members->items, members->count, sizeof *members->items, by_host);
    if (find_median(members))
        return -1;
    for (size_t i = 0; i < members->count; i++) {
        struct mp_member *member = &members->items[i];
        member->unlike = unlike(member, members->median);
        members->hosts += !i || strcmp(member->timeline->identity.host,
                                       member[-1].timeline->identity.host) != 0;
    }
    return 0;
}

void mp_members_release(struct mp_members *members)
{
    free(members->items);
    *members = (struct mp_members){0};
}

const char *mp_member_key(const struct mp_identity *identity, const char *file,
                          enum mp_member_by by, char text[MP_MEMBER_NAME])
{
    const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    if (by == MP_MEMBER_BY_HOST)
        snprintf(text, MP_MEMBER_NAME, "%s",
                 *identity->host ? identity->host : "(host not known)");
    else if (by == MP_MEMBER_BY_WORKER && *identity->worker)
        snprintf(text, MP_MEMBER_NAME, "%s", identity->worker);
    else if (*identity->rank)
        snprintf(text, MP_MEMBER_NAME, "rank %s", identity->rank);
    else
        snprintf(text, MP_MEMBER_NAME, "%s", by == MP_MEMBER_BY_RANK ? "(no rank)" : base);
    return text;
}

bool mp_members_are_whole(const struct mp_members *members)
{
    bool several = false, together = false;
    const struct mp_member *items = members->items;
    for (size_t i = 1; i < members->count; i++) {
        const struct mp_identity *a = &items[i].timeline->identity;
        const struct mp_identity *b = &items[i - 1].timeline->identity;
        several |= *a->host && *b->host &&
                   (strcmp(a->host, b->host) != 0 || strcmp(a->rank, b->rank) != 0 ||
                    strcmp(a->worker, b->worker) != 0);
        for (size_t j = 0; j < i && !together; j++)
            together = items[j].from <= items[i].to && items[i].from <= items[j].to;
    }
    return several && together;
}

static int by_unlike(const void *left, const void *right)
{
    const struct mp_member *a = *(const struct mp_member *const *)left;
    const struct mp_member *b = *(const struct mp_member *const *)right;
    if (a->unlike != b->unlike)
        return a->unlike < b->unlike ? 1 : -1;
    if (a->peak != b->peak)
        return a->peak < b->peak ? 1 : -1;
    return (a > b) - (a < b);
}

size_t mp_members_unlike(const struct mp_members *members, size_t *which, size_t most)
{
    const struct mp_member **order = calloc(members->count + 1, sizeof *order);
    size_t count = 0;
    for (size_t i = 0; order && i < members->count; i++)
        order[i] = &members->items[i];
    if (order)
        qsort(order, members->count, sizeof *order, by_unlike);
    for (size_t i = 0; order && i < members->count && count < most; i++)
        if (order[i]->unlike > 0 || !i)
            which[count++] = (size_t)(order[i] - members->items);
    free(order);
    return count;
}
