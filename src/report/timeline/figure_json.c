#include "report/timeline/figure_json.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/timeline/decimate.h"
#include "aggregate/timeline/peak.h"
#include "base/escape.h"
#include "base/number.h"
#include "base/saturate.h"

static void put_text(FILE *out, const char *key, const char *text)
{
    fprintf(out, "\"%s\":", key);
    mp_escape_json_or_null(out, text);
}

/* Seconds after the start, to a tenth of a millisecond; before it, below zero. */
static char *put_seconds(char *at, int64_t time, int64_t start)
{
    if (time < start)
        *at++ = '-';
    return mp_number_put_seconds(
        at, time < start ? mp_difference(start, time) : mp_difference(time, start), 4);
}

static char *put_memory(char *at, int64_t bytes)
{
    if (bytes >= 0)
        return mp_number_put_mib(at, bytes, 3);
    memcpy(at, "null", 4);
    return at + 4;
}

static char *put_percent(char *at, int64_t cpu)
{
    if (cpu >= 0)
        return mp_number_put_seconds(at, cpu, 2);
    memcpy(at, "null", 4);
    return at + 4;
}

/* Times, and what `put` makes of the points' values. */
static void put_series(FILE *out, const char *key, const struct mp_series *series,
                       int64_t start, char *put(char *, int64_t))
{
    char text[32];
    fprintf(out, "\"%s\":{\"t\":[", key);
    for (size_t i = 0; i < series->count; i++) {
        char *end = text;
        if (i)
            *end++ = ',';
        end = put_seconds(end, series->points[i].time, start);
        fwrite(text, 1, (size_t)(end - text), out);
    }
    fputs("],\"m\":[", out);
    for (size_t i = 0; i < series->count; i++) {
        char *end = text;
        if (i)
            *end++ = ',';
        end = put(end, series->points[i].bytes);
        fwrite(text, 1, (size_t)(end - text), out);
    }
    fputs("]}", out);
}

static void put_points(FILE *out, const char *key, const struct mp_series *series,
                       int64_t start)
{
    put_series(out, key, series, start, put_memory);
}

static void put_cpu(FILE *out, const struct mp_series *cpu, int64_t start)
{
    fputc(',', out);
    put_series(out, "cpu", cpu, start, put_percent);
}

static double seconds_at(const struct mp_figure_run *run, int64_t time)
{
    return (double)mp_difference(time, run->start) / 1e9;
}

/* gaps: [from, to, whether the machine slept]; kills: [time, processes] */
static void put_incidents(FILE *out, const struct mp_figure_run *run)
{
    fputs(",\n\"gaps\":[", out);
    for (size_t i = 0; i < run->gaps.count; i++) {
        const struct mp_gap *gap = &run->gaps.items[i];
        fprintf(out, "%s[%.4f,%.4f,%s]", i ? "," : "", seconds_at(run, gap->from),
                seconds_at(run, gap->to), gap->asleep ? "true" : "false");
    }
    fputs("],\"kills\":[", out);
    for (size_t i = 0; i < run->kills.count; i++)
        fprintf(out, "%s[%.4f,%lld]", i ? "," : "",
                seconds_at(run, run->kills.points[i].time),
                (long long)run->kills.points[i].bytes);
    fputc(']', out);
}

static void put_trend(FILE *out, const struct mp_trend *trend)
{
    fprintf(out, "\"slope\":%.6g,\"slope_error\":%.3g,\"intercept\":%.6g", trend->slope,
            trend->error, trend->intercept);
}

static void put_child(FILE *out, const struct mp_figure_child *child, int64_t start)
{
    fprintf(out, "{\"pid\":%d,", child->track->pid);
    put_text(out, "name", child->track->name ? child->track->name : "");
    fprintf(out, ",\"peak\":%.3f,", (double)child->curve.peak / MP_MIB);
    put_trend(out, &child->curve.trend);
    fputc(',', out);
    put_points(out, "curve", &child->curve.points, start);
    put_cpu(out, &child->cpu, start);
    fputc('}', out);
}

/* [enter time, enter memory, leave time, leave memory, level, open, pid, thread] */
static void put_call(FILE *out, const struct mp_span *span, int64_t start)
{
    char text[128], *end = text;
    *end++ = '[';
    end = put_seconds(end, span->enter.time, start);
    *end++ = ',';
    end = put_memory(end, span->enter.bytes);
    *end++ = ',';
    end = put_seconds(end, span->leave.time, start);
    *end++ = ',';
    end = put_memory(end, span->leave.bytes);
    end += sprintf(end, ",%d,%d,%d,%d]", span->level, span->open, span->pid, span->thread);
    fwrite(text, 1, (size_t)(end - text), out);
}

static void put_functions(FILE *out, const struct mp_figure_run *run)
{
    fputs("\"functions\":[", out);
    for (size_t i = 0; i < run->span_count; i++) {
        const struct mp_span *span = &run->spans[i];
        bool first = !i || span[-1].name != span->name;
        if (first) {
            fputs(i ? "]},\n{" : "\n{", out);
            put_text(out, "name", run->timeline->names.items[span->name].text);
            fputc(',', out);
            put_text(out, "label", run->labels[span->name]);
            fputs(",\"calls\":[", out);
        } else {
            fputc(',', out);
        }
        put_call(out, span, run->start);
    }
    fputs(run->span_count ? "]}]" : "]", out);
    fprintf(out, ",\"calls_left_out\":%zu", run->spans_left_out);
}

static void put_ending(FILE *out, const struct mp_timeline *timeline)
{
    static const char *const words[] = {"exit", "signal", "timeout", "gone", "stop"};
    if (timeline->ended)
        fprintf(out, "\"end\":\"%s\",\"code\":%d,\"late\":%llu,\"unsampled\":%lld,",
                words[timeline->end.ending], timeline->end.code,
                (unsigned long long)timeline->end.late, (long long)timeline->end.unsampled);
    else
        fputs("\"end\":null,\"code\":null,\"late\":0,\"unsampled\":-1,", out);
}

static void put_facts(FILE *out, const struct mp_figure_run *run)
{
    const struct mp_timeline *timeline = run->timeline;
    put_text(out, "file", run->file);
    fputc(',', out);
    put_text(out, "command", timeline->command);
    fputc(',', out);
    put_text(out, "metric", *timeline->metric ? timeline->metric : "rss");
    fprintf(out, ",\"start\":%.4f,\"from\":%.4f,\"to\":%.4f,\"tree\":%s,\"pid\":%d,",
            (double)run->start / 1e9, (double)mp_difference(run->from, run->start) / 1e9,
            (double)mp_difference(run->to, run->start) / 1e9,
            timeline->tree ? "true" : "false", timeline->pid);
    put_ending(out, timeline);
    fprintf(out, "\"incomplete\":%s,\"samples\":%zu,\"peak\":%.3f,\"peak_time\":%.4f,",
            timeline->cut || (timeline->version && !timeline->ended) ? "true" : "false",
            timeline->total.count, (double)run->curve.peak / MP_MIB,
            (double)mp_difference(run->curve.peak_time, run->start) / 1e9);
    if (run->limit >= 0)
        fprintf(out, "\"limit\":%.3f,", (double)run->limit / MP_MIB);
    else
        fputs("\"limit\":null,", out);
    put_trend(out, &run->curve.trend);
}

static void put_run(FILE *out, const struct mp_figure_run *run,
                    const struct mp_figure_whole *whole)
{
    char name[MP_MEMBER_WHOLE];
    fputs("{", out);
    put_text(out, "who", whole ? mp_whole_name(whole, run, name) : NULL);
    fputc(',', out);
    put_facts(out, run);
    fputs(",\n", out);
    put_points(out, "curve", &run->curve.points, run->start);
    fprintf(out, ",\n\"bounds\":%s,", run->bounds ? "true" : "false");
    put_points(out, "marks", &run->marks, run->start);
    fputs(",\n", out);
    put_points(out, "group", &run->group, run->start);
    put_cpu(out, &run->cpu, run->start);
    fputs(",\"mean_cpu\":", out);
    char text[32];
    fwrite(text, 1, (size_t)(put_percent(text, run->mean_cpu) - text), out);
    put_incidents(out, run);
    fputs(",\n\"children\":[", out);
    for (size_t i = 0; i < run->child_count; i++) {
        fputs(i ? ",\n" : "", out);
        put_child(out, &run->children[i], run->start);
    }
    fputs("],\n", out);
    put_functions(out, run);
    fputs("}", out);
}

void mp_figure_json(FILE *out, const struct mp_figure_run *runs, size_t count,
                    const struct mp_figure_style *style)
{
    fputs("{\"schema\":\"memory_profiler.timeline/1\",", out);
    put_text(out, "version", MP_VERSION);
    fputc(',', out);
    put_text(out, "title", style->title);
    fprintf(out, ",\"flame\":%s,\"slope\":%s,\"runs\":[\n", style->flame ? "true" : "false",
            style->slope ? "true" : "false");
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ",\n" : "", out);
        put_run(out, &runs[i], style->whole);
    }
    fputs("\n],\n\"whole\":", out);
    if (style->whole)
        mp_whole_json(out, style->whole);
    else
        fputs("null", out);
    fputs("}\n", out);
}
