#include "report/heap/death.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/saturate.h"

static const char mark[] = "near the limit"; /* as capture/heap/python/group.h says it */

static bool is_marked(const struct mp_heap_view *view)
{
    for (size_t i = 0; i < view->counts[MP_HEAP_MOMENTS]; i++)
        if (view->moments[i].stamp && view->moments[i].flags & MP_HEAP_IS_MARK &&
            !strcmp(view->moments[i].name, mark))
            return true;
    return false;
}

static int64_t last_rss(const struct mp_heap_header *header)
{
    uint32_t bank = header->series.bank & 1, count = header->series.count[bank];
    return count && count <= MP_HEAP_POINTS ? header->series.points[bank][count - 1].rss
                                            : -1;
}

struct mp_heap_death mp_heap_death_of(const struct mp_heap_view *view, bool gone,
                                      int64_t kills)
{
    const struct mp_heap_header *header = view->header;
    struct mp_heap_death death = {.group = header->group, .pid = header->pid};
    bool killed = kills >= 0 && header->group.kills >= 0 && kills > header->group.kills;
    death.group.path[MP_GROUP_PATH - 1] = 0;
    if (header->group.throttled >= 0 &&
        header->group.throttled_now > header->group.throttled)
        death.how = MP_HEAP_DEATH_THROTTLED;
    if (gone && killed)
        death.how = MP_HEAP_DEATH_KILLED;
    else if (gone && mp_group_is_near(&header->group, header->group.current))
        death.how = MP_HEAP_DEATH_PERHAPS;
    death.wall = mp_sum(header->wall_start, header->elapsed);
    death.rss = last_rss(header);
    death.marked = is_marked(view);
    death.alone = true;
    return death;
}

/* "14:32:10.4" */
static void put_clock(FILE *out, int64_t wall)
{
    char text[32] = "";
    time_t seconds = (time_t)(wall / 1000000000);
    struct tm parts;
    if (localtime_r(&seconds, &parts))
        strftime(text, sizeof text, "%H:%M:%S", &parts);
    fprintf(out, "%s.%d", text, (int)(wall / 100000000 % 10));
}

/* What held most when it died. */
static void put_heaviest(FILE *out, const struct mp_heap_view *view,
                         const struct mp_heap_your_lines *yours,
                         const struct mp_heap_style *style)
{
    const struct mp_heap_line *most = NULL;
    char size[MP_HEAP_FIGURE];
    for (size_t i = 0; yours && i < yours->count; i++)
        if (!most || yours->lines[i].line.live > most->live)
            most = &yours->lines[i].line;
    if (!most || most->live <= 0)
        return;
    fputs("; your heaviest line then: ", out);
    mp_heap_put_place(out, style, view, most->code, most->line, 0);
    fprintf(out, ", %s", mp_heap_size(most->live, size));
}

static void put_throttled(FILE *out, const struct mp_group_memory *group)
{
    char high[MP_HEAP_FIGURE], times[MP_HEAP_FIGURE];
    int64_t more = mp_difference(group->throttled_now, group->throttled);
    if (more <= 0 || group->throttled < 0)
        return;
    fprintf(out, "the kernel slowed its control group down %s times",
            mp_heap_count((uint64_t)more, times));
    if (group->high > 0 && group->high < INT64_MAX)
        fprintf(out, " at memory.high, %s", mp_heap_size(group->high, high));
    if (group->stalled >= 0 && group->stalled_now > group->stalled)
        fprintf(out, "; %.1f s were spent waiting for memory",
                (double)mp_difference(group->stalled_now, group->stalled) / 1e9);
    fputc('\n', out);
}

void mp_heap_put_death(FILE *out, const struct mp_heap_death *death,
                       const struct mp_heap_view *view,
                       const struct mp_heap_your_lines *yours,
                       const struct mp_heap_style *style)
{
    const struct mp_group_memory *group = &death->group;
    char size[MP_HEAP_FIGURE];
    if (death->how == MP_HEAP_DEATH_NONE)
        return;
    if (death->how != MP_HEAP_DEATH_THROTTLED) {
        if (!death->alone)
            fprintf(out, "process %" PRId64 " was ", death->pid);
        fputs(death->how == MP_HEAP_DEATH_KILLED
                  ? "killed by the kernel for memory: "
                  : "killed near its memory limit, most likely by the kernel: ",
              out);
        if (group->limit > 0 && group->limit < INT64_MAX)
            fprintf(out, "limit %s, ", mp_heap_size(group->limit, size));
        if (death->rss >= 0)
            fprintf(out, "RSS %s ", mp_heap_size(death->rss, size));
        fputs("at ", out);
        put_clock(out, death->wall);
        put_heaviest(out, view, yours, style);
        fputc('\n', out);
        if (death->marked)
            fprintf(out, "  the moment before: mprof report --at '%s'\n", mark);
    }
    put_throttled(out, group);
    fputc('\n', out);
}

static void put_bytes(FILE *out, const char *name, int64_t bytes)
{
    if (bytes > 0 && bytes < INT64_MAX)
        fprintf(out, ", \"%s\": %" PRId64, name, bytes);
    else
        fprintf(out, ", \"%s\": null", name);
}

void mp_heap_death_json(FILE *out, const struct mp_heap_death *death)
{
    static const char *const words[] = {[MP_HEAP_DEATH_KILLED] = "killed for memory",
                                        [MP_HEAP_DEATH_PERHAPS] = "killed near the limit",
                                        [MP_HEAP_DEATH_THROTTLED] = "slowed down"};
    if (!death || death->how == MP_HEAP_DEATH_NONE) {
        fputs("  \"death\": null,\n", out);
        return;
    }
    fprintf(out, "  \"death\": {\"how\": \"%s\", \"pid\": %" PRId64 ", \"time\": %" PRId64,
            words[death->how], death->pid, death->wall);
    put_bytes(out, "limit", death->group.limit);
    put_bytes(out, "high", death->group.high);
    put_bytes(out, "rss", death->rss);
    put_bytes(out, "group", death->group.current);
    int64_t slowed = mp_difference(death->group.throttled_now, death->group.throttled);
    fprintf(out, ", \"throttled\": %" PRId64 "},\n", slowed > 0 ? slowed : 0);
}
