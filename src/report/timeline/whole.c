#include "report/timeline/whole.h"

#include <stdlib.h>

#include "base/escape.h"
#include "base/saturate.h"

const char *mp_whole_name(const struct mp_figure_whole *whole,
                          const struct mp_figure_run *run, char name[MP_MEMBER_WHOLE])
{
    const struct mp_identity *identity = &run->timeline->identity;
    char key[MP_MEMBER_NAME];
    bool hosts = whole->members->hosts > 1 && *identity->host;
    mp_member_key(identity, run->file, MP_MEMBER_BY_WORKER, key);
    snprintf(name, MP_MEMBER_WHOLE, "%s%s%s", hosts ? identity->host : "", hosts ? " " : "",
             key);
    return name;
}

char *mp_clocks_words(const struct mp_clocks *clocks)
{
    char *words = NULL;
    size_t size, named;
    FILE *out = clocks->unknown ? open_memstream(&words, &size) : NULL;
    if (!out)
        return NULL;
    fprintf(out,
            clocks->unknown == 1 ? "clock of %zu host not compared"
                                 : "clocks of %zu hosts not compared",
            clocks->unknown);
    for (named = 0; named < clocks->unknown && named < MP_CLOCKS_NAMED; named++)
        fprintf(out, "%s%s", named ? ", " : ": ",
                *clocks->named[named] ? clocks->named[named] : "(host not known)");
    if (named < clocks->unknown)
        fputs(", ...", out);
    fclose(out);
    return words;
}

static double seconds_at(const struct mp_figure_whole *whole, int64_t time)
{
    return (double)mp_difference(time, whole->origin) / 1e9;
}

static void put_text(FILE *out, const char *key, const char *text)
{
    fprintf(out, "\"%s\":", key);
    mp_escape_json_or_null(out, text);
}

/* A tenth of a MiB is less than a lane shows. */
static void put_columns(FILE *out, const char *key, const int64_t *columns, size_t count)
{
    fprintf(out, ",\"%s\":", key);
    for (size_t i = 0; columns && i < count; i++)
        if (columns[i] < 0)
            fputs(i ? ",null" : "[null", out);
        else
            fprintf(out, "%c%.1f", i ? ',' : '[', (double)columns[i] / MP_MIB);
    fputs(columns && count ? "]" : "null", out);
}

static void put_lane(FILE *out, const struct mp_figure_whole *whole,
                     const struct mp_lane *lane)
{
    const struct mp_member *who = &whole->members->items[lane->who];
    char key[MP_MEMBER_NAME];
    fputc('{', out);
    put_text(out, "name", lane->name);
    fprintf(out, ",\"members\":%zu,\"beneath\":%s,\"peak\":%.3f,\"peak_time\":%.4f,",
            lane->members, lane->beneath ? "true" : "false", (double)who->peak / MP_MIB,
            seconds_at(whole, who->peak_time));
    put_text(out, "who",
             mp_member_key(&who->timeline->identity, who->file, MP_MEMBER_BY_WORKER, key));
    fputc(',', out);
    put_text(out, "file", who->file);
    if (lane->limit >= 0)
        fprintf(out, ",\"limit\":%.3f", (double)lane->limit / MP_MIB);
    else
        fputs(",\"limit\":null", out);
    fputs(",\"kills\":[", out);
    for (size_t i = 0; i < lane->kills.count; i++)
        fprintf(out, "%s[%.4f,%lld]", i ? "," : "",
                seconds_at(whole, lane->kills.points[i].time),
                (long long)lane->kills.points[i].bytes);
    fputc(']', out);
    put_columns(out, "high", lane->high, whole->lanes->columns);
    put_columns(out, "median", lane->median, whole->lanes->columns);
    put_columns(out, "low", lane->low, whole->lanes->columns);
    fputc('}', out);
}

void mp_whole_json(FILE *out, const struct mp_figure_whole *whole)
{
    const struct mp_lanes *lanes = whole->lanes;
    char *clocks = mp_clocks_words(whole->clocks);
    fprintf(out,
            "{\"start\":%.4f,\"from\":%.4f,\"to\":%.4f,\"columns\":%zu,\"members\":%zu,"
            "\"hosts\":%zu,\"hosts_left\":%zu,\"median_peak\":%.3f,",
            (double)whole->origin / 1e9, seconds_at(whole, lanes->from),
            seconds_at(whole, lanes->to), lanes->columns, whole->members->count,
            whole->members->hosts, lanes->left, (double)whole->members->median / MP_MIB);
    put_text(out, "clocks", clocks);
    free(clocks);
    fputs(",\n\"all\":", out);
    put_lane(out, whole, &lanes->all);
    fputs(",\n\"lanes\":[", out);
    for (size_t i = 0; i < lanes->count; i++) {
        fputs(i ? ",\n" : "\n", out);
        put_lane(out, whole, &lanes->items[i]);
    }
    fputs("]}", out);
}
