/* Recordings of many processes as one whole: on one clock, with lanes. */
#ifndef MP_CMD_RECORDINGS_WHOLE_H
#define MP_CMD_RECORDINGS_WHOLE_H

#include "report/timeline/whole.h"

enum { MP_MOST_CLOCKS = 128, MP_MOST_DRAWN = 12 };

struct mp_whole_options {
    bool overlay; /* each from its own start, whatever they are */
    struct mp_clock_offset offsets[MP_MOST_CLOCKS];
    size_t offset_count;
    size_t measured; /* of these so many are a file's */
};

struct mp_whole {
    bool is; /* else the rest is empty: each is drawn from its own start */
    struct mp_clocks clocks;
    struct mp_members members;
    struct mp_lanes lanes;
    struct mp_figure_whole shown;
    size_t drawn[MP_MOST_DRAWN]; /* members that have a curve, as indices of timelines */
    size_t drawn_count;
};

/* HOST=+90s, HOST=-250ms: adds it. Returns what is wrong with it, or NULL. */
const char *mp_whole_take_clock(struct mp_whole_options *, const char *text);

/* Moves the timelines onto one clock where they are a whole. `window`: the lanes' from and to and columns; from and
   to are after the start of all. 0, or the exit code; the caller releases it either way. */
int mp_whole_init(struct mp_whole *, struct mp_timeline *, const char *const *files,
                  size_t count, struct mp_whole_options *,
                  const struct mp_lanes_options *window);
void mp_whole_release(struct mp_whole *);

#endif
