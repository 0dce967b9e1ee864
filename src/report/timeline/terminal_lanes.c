#include "report/timeline/terminal_lanes.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "base/saturate.h"
#include "report/timeline/words.h"

enum { NAME = 22, PEAK = 14, NARROWEST = 10, WIDEST = 400 };

size_t mp_terminal_lane_columns(int width)
{
    int columns = width - NAME - PEAK - 2;
    return (size_t)(columns < NARROWEST ? NARROWEST : columns > WIDEST ? WIDEST : columns);
}

/* The end of a name is where names differ. */
static void put_name(FILE *out, const struct mp_lane *lane)
{
    size_t length = strlen(lane->name), indent = lane->beneath ? 2 : 0;
    size_t cut = length > NAME - 1 - indent ? length - (NAME - 1 - indent) : 0;
    fprintf(out, "%*s", (int)indent, "");
    mp_escape_terminal(out, lane->name + cut, length - cut, false);
    fprintf(out, "%*s", (int)(NAME - indent - (length - cut)), "");
}

static bool is_killed_in(const struct mp_figure_whole *whole, const struct mp_lane *lane,
                         size_t column)
{
    const struct mp_lanes *lanes = whole->lanes;
    double span = (double)mp_difference(lanes->to, lanes->from);
    for (size_t i = 0; i < lane->kills.count; i++) {
        double at = (double)mp_difference(lane->kills.points[i].time, lanes->from);
        size_t its = span > 0 ? (size_t)(at / span * (double)lanes->columns) : 0;
        if ((its < lanes->columns ? its : lanes->columns - 1) == column)
            return true;
    }
    return false;
}

static void put_lane(FILE *out, const struct mp_figure_whole *whole,
                     const struct mp_lane *lane, int64_t top, bool unicode)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const plain[] = {" ", ".", ".", ".", ":", ":", "#", "#", "#"};
    int64_t peak = whole->members->items[lane->who].peak;
    char words[MP_WORDS_ROOM];
    put_name(out, lane);
    for (size_t i = 0; i < whole->lanes->columns; i++) {
        int full = (int)((double)lane->high[i] / (double)top * 8 + 0.5);
        full = lane->high[i] < 0 ? 0 : full < 1 ? 1 : full > 8 ? 8 : full;
        if (is_killed_in(whole, lane, i))
            fputs(unicode ? "×" : "X", out);
        else
            fputs(unicode ? blocks[full] : plain[full], out);
    }
    fprintf(out, " %*s", PEAK - 1, mp_memory_words(words, peak));
    if (lane->limit > 0 && peak >= lane->limit / 100 * 95)
        fprintf(out, " of %s", mp_memory_words(words, lane->limit));
    fputc('\n', out);
}

static void put_axis(FILE *out, const struct mp_figure_whole *whole)
{
    const struct mp_lanes *lanes = whole->lanes;
    char clock[MP_WORDS_ROOM] = "", length[MP_WORDS_ROOM], line[2 * MP_WORDS_ROOM];
    time_t second = (time_t)(lanes->from / MP_SECOND);
    struct tm local;
    if (localtime_r(&second, &local))
        strftime(clock, sizeof clock, "%d %b %H:%M:%S", &local);
    int used = snprintf(
        line, sizeof line, "%s ... %s", clock,
        mp_duration_words(length, (double)mp_difference(lanes->to, lanes->from) / 1e9));
    int room = (int)lanes->columns - used;
    fprintf(out, "%*s%s%*s%*s\n", NAME, "", line, room > 0 ? room : 0, "", PEAK, "peak");
}

void mp_terminal_lanes(FILE *out, const struct mp_figure_whole *whole,
                       const struct mp_terminal_options *options)
{
    const struct mp_members *members = whole->members;
    const struct mp_lanes *lanes = whole->lanes;
    int64_t top = members->count ? members->items[lanes->all.who].peak : 0;
    char words[MP_WORDS_ROOM], *clocks = mp_clocks_words(whole->clocks);
    if (options->title) {
        mp_escape_terminal(out, options->title, strlen(options->title), false);
        fputc('\n', out);
    }
    fprintf(out, "%zu recordings of %zu %s, median peak %s\n", members->count,
            members->hosts, members->hosts == 1 ? "host" : "hosts",
            mp_memory_words(words, members->median));
    put_axis(out, whole);
    for (size_t i = 0; i < lanes->count; i++)
        put_lane(out, whole, &lanes->items[i], top > 0 ? top : 1, options->unicode);
    if (lanes->left)
        fprintf(out, "and %zu more hosts\n", lanes->left);
    if (clocks)
        fprintf(out, "%s\n", clocks);
    free(clocks);
}
