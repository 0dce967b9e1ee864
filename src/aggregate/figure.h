/* What a picture shows, whoever draws it: page, matplotlib and terminal get the same numbers.
 *
 *     timelines ── window, labels, decimation ──► figure ──► JSON (page, plot.py), terminal
 */
#ifndef MP_AGGREGATE_FIGURE_H
#define MP_AGGREGATE_FIGURE_H

#include "record/series.h"

struct mp_figure_options {
    int64_t from, to; /* ns after the start of each run; to -1: until its end */
    bool functions;
    size_t buckets; /* of a run's curve */
    size_t calls;   /* at most so many spans, the longest */
};

/* A straight line through points: MiB a second, and MiB at the start. */
struct mp_trend {
    double slope, intercept;
};

struct mp_figure_curve {
    struct mp_series points; /* decimated; MP_NO_DATA marks gaps */
    struct mp_trend trend;
    int64_t peak;
};

struct mp_figure_child {
    const struct mp_track *track; /* borrowed from the timeline */
    struct mp_figure_curve curve;
};

struct mp_figure_run {
    const char *file;                   /* borrowed */
    const struct mp_timeline *timeline; /* borrowed */
    int64_t start, from, to;            /* unix ns */
    struct mp_figure_curve curve;
    int64_t peak_time;
    struct mp_series
        marks;   /* the highest between samples, each in the middle of its range */
    bool bounds; /* of a tree: marks are upper bounds */
    struct mp_series group;
    int64_t limit;                    /* the lowest limit of the control group; -1 */
    struct mp_figure_child *children; /* by peak, the highest first */
    size_t child_count;
    struct mp_span *spans; /* in the window, by name, then time */
    size_t span_count, spans_left_out;
    char **labels; /* one per name of the timeline: its shortest unambiguous end */
};

/* Builds a run's part. 0, or -1 with errno: ENODATA when it holds no sample, ENOMEM. Released by
   the caller either way. */
int mp_figure_run_init(struct mp_figure_run *, const char *file, const struct mp_timeline *,
                       const struct mp_figure_options *);
void mp_figure_run_release(struct mp_figure_run *);

#endif
