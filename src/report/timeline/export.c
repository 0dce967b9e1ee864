#include "report/timeline/export.h"

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"

#define CSV_MARK "time,since,kind,pid,name,bytes,percent\n"
#define JSON_MARK "{\n  \"schema\": \"memory_profiler.timeline/1\""

bool mp_timeline_export_is_ours(const char *start, size_t length)
{
    static const char csv[] = CSV_MARK, json[] = JSON_MARK;
    return (length >= sizeof csv - 1 && !memcmp(start, csv, sizeof csv - 1)) ||
           (length >= sizeof json - 1 && !memcmp(start, json, sizeof json - 1));
}

/* Seconds since 1970, all digits. */
static void put_seconds(FILE *out, int64_t time)
{
    if (time < 0)
        fprintf(out, "%" PRId64, time / MP_SECOND);
    else
        fprintf(out, "%" PRId64 ".%09" PRId64, time / MP_SECOND, time % MP_SECOND);
}

struct row {
    const char *kind, *name;
    size_t length;
    int pid;       /* 0: not known */
    int64_t since; /* of a mark, when it may have been at the earliest; else the time */
    struct mp_point point;
    bool cpu; /* the point is a percentage */
};

static double percent(int64_t cpu)
{
    return (double)cpu / (double)MP_PERCENT;
}

static void put_row(FILE *out, const struct row *row)
{
    put_seconds(out, row->point.time);
    fputc(',', out);
    if (row->since != row->point.time)
        put_seconds(out, row->since);
    fprintf(out, ",%s,", row->kind);
    if (row->pid)
        fprintf(out, "%d", row->pid);
    fputc(',', out);
    if (row->name)
        mp_escape_csv(out, row->name, row->length);
    if (row->cpu)
        fprintf(out, ",,%.2f\n", percent(row->point.bytes));
    else
        fprintf(out, ",%" PRId64 ",\n", row->point.bytes);
}

static void put_rows(FILE *out, struct row row, const struct mp_series *series)
{
    for (size_t i = 0; i < series->count; i++) {
        row.point = series->points[i];
        row.since = row.point.time;
        put_row(out, &row);
    }
}

static void put_mark_rows(FILE *out, const char *kind, const struct mp_mark *marks,
                          size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_row(out, &(struct row){.kind = kind,
                                   .pid = marks[i].pid,
                                   .since = marks[i].from,
                                   .point = {marks[i].to, marks[i].bytes}});
}

static void put_calls(FILE *out, const struct mp_timeline *timeline)
{
    for (size_t i = 0; i < timeline->span_count; i++) {
        const struct mp_span *span = &timeline->spans[i];
        struct row row = {.kind = "enter",
                          .name = timeline->names.items[span->name].text,
                          .length = timeline->names.items[span->name].length,
                          .pid = span->pid,
                          .since = span->enter.time,
                          .point = span->enter};
        put_row(out, &row);
        row.kind = "leave";
        row.point = span->leave;
        row.since = span->leave.time;
        if (!span->open)
            put_row(out, &row);
    }
}

void mp_timeline_export_csv(FILE *out, const struct mp_timeline_export *export)
{
    const struct mp_timeline *timeline = export->timeline;
    fputs(CSV_MARK, out);
    put_rows(out, (struct row){.kind = "total", .pid = timeline->pid}, &timeline->total);
    put_rows(out, (struct row){.kind = "cpu", .pid = timeline->pid, .cpu = true},
             &timeline->cpu);
    for (size_t i = 0; i < timeline->track_count; i++) {
        const struct mp_track *track = &timeline->tracks[i];
        struct row row = {.kind = "child", .name = track->name, .pid = track->pid};
        row.length = track->name ? strlen(track->name) : 0;
        put_rows(out, row, &track->series);
        row.kind = "child_cpu";
        row.cpu = true;
        put_rows(out, row, &track->cpu);
    }
    put_rows(out, (struct row){.kind = "cgroup"}, &timeline->group);
    put_rows(out, (struct row){.kind = "limit"}, &timeline->limits);
    put_mark_rows(out, "mark", timeline->marks, timeline->mark_count);
    put_mark_rows(out, "bound", timeline->bounds, timeline->bound_count);
    put_calls(out, timeline);
}

static void put_text(FILE *out, const char *key, const char *text)
{
    fprintf(out, "\"%s\": ", key);
    mp_escape_json_or_null(out, text);
}

static void put_points(FILE *out, const char *key, const struct mp_series *series)
{
    fprintf(out, "\"%s\": [", key);
    for (size_t i = 0; i < series->count; i++)
        fprintf(out, "%s[%" PRId64 ", %" PRId64 "]", i ? ", " : "", series->points[i].time,
                series->points[i].bytes);
    fputc(']', out);
}

static void put_cpu(FILE *out, const struct mp_series *cpu)
{
    fputs("\"cpu\": [", out);
    for (size_t i = 0; i < cpu->count; i++)
        fprintf(out, "%s[%" PRId64 ", %.2f]", i ? ", " : "", cpu->points[i].time,
                percent(cpu->points[i].bytes));
    fputc(']', out);
}

static void put_marks(FILE *out, const char *key, const struct mp_mark *marks, size_t count)
{
    fprintf(out, "  \"%s\": [", key);
    for (size_t i = 0; i < count; i++)
        fprintf(out,
                "%s\n    {\"pid\": %d, \"from\": %" PRId64 ", \"to\": %" PRId64
                ", \"bytes\": %" PRId64 "}",
                i ? "," : "", marks[i].pid, marks[i].from, marks[i].to, marks[i].bytes);
    fputs("],\n", out);
}

static void put_children(FILE *out, const struct mp_timeline *timeline)
{
    fputs("  \"children\": [", out);
    for (size_t i = 0; i < timeline->track_count; i++) {
        const struct mp_track *track = &timeline->tracks[i];
        fprintf(out, "%s\n    {\"pid\": %d, \"parent\": %d, ", i ? "," : "", track->pid,
                track->parent);
        put_text(out, "name", track->name);
        fputs(", ", out);
        put_points(out, "samples", &track->series);
        fputs(", ", out);
        put_cpu(out, &track->cpu);
        fputc('}', out);
    }
    fputs("],\n", out);
}

static void put_functions(FILE *out, const struct mp_timeline *timeline)
{
    fputs("  \"calls\": [", out);
    for (size_t i = 0; i < timeline->span_count; i++) {
        const struct mp_span *span = &timeline->spans[i];
        const struct mp_name *name = &timeline->names.items[span->name];
        fprintf(out, "%s\n    {\"function\": ", i ? "," : "");
        mp_escape_json(out, name->text, name->length);
        fprintf(out,
                ", \"level\": %d, \"pid\": %d, \"thread\": %d, \"enter\": [%" PRId64
                ", %" PRId64 "], \"leave\": ",
                span->level, span->pid, span->thread, span->enter.time, span->enter.bytes);
        if (span->open)
            fputs("null}", out);
        else
            fprintf(out, "[%" PRId64 ", %" PRId64 "]}", span->leave.time,
                    span->leave.bytes);
    }
    fputs("]\n}\n", out);
}

static const char *why_incomplete(const struct mp_timeline *timeline)
{
    if (timeline->cut)
        return "the last line is cut off";
    return timeline->version && !timeline->ended
               ? "the recording was not closed, or goes on"
               : NULL;
}

void mp_timeline_export_json(FILE *out, const struct mp_timeline_export *export)
{
    const struct mp_timeline *timeline = export->timeline;
    fputs(JSON_MARK ", \"version\": \"" MP_VERSION "\",\n"
                    "  \"unit\": \"bytes\", \"time_unit\": \"ns\",\n  ",
          out);
    put_text(out, "recording", export->name);
    fputs(", ", out);
    put_text(out, "incomplete", why_incomplete(timeline));
    fprintf(out, ", \"skipped\": %" PRIu64 ",\n  ", timeline->skipped);
    put_text(out, "command", timeline->command);
    fprintf(out, ", \"pid\": %d, ", timeline->pid);
    put_text(out, "metric", timeline->metric);
    fprintf(out, ", \"interval\": %" PRId64 ", \"tree\": %s,\n  ", timeline->interval,
            timeline->tree ? "true" : "false");
    put_points(out, "samples", &timeline->total);
    fputs(",\n  ", out);
    put_cpu(out, &timeline->cpu);
    fputs(",\n  ", out);
    put_points(out, "cgroup", &timeline->group);
    fputs(",\n  ", out);
    put_points(out, "limit", &timeline->limits);
    fputs(",\n  ", out);
    put_points(out, "kills", &timeline->kills);
    fputs(",\n  ", out);
    put_points(out, "suspended", &timeline->sleeps);
    fputs(",\n", out);
    put_marks(out, "marks", timeline->marks, timeline->mark_count);
    put_marks(out, "bounds", timeline->bounds, timeline->bound_count);
    put_children(out, timeline);
    put_functions(out, timeline);
}
