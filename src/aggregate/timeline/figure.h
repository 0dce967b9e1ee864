/* What a picture shows, whoever draws it: page, matplotlib and terminal get the same numbers.
 *
 *     timelines ── window, labels, decimation ──► figure ──► JSON (page, plot.py), terminal
 */
#ifndef MP_AGGREGATE_TIMELINE_FIGURE_H
#define MP_AGGREGATE_TIMELINE_FIGURE_H

#include "aggregate/timeline/gaps.h"
#include "record/series.h"

struct mp_figure_options {
    int64_t from, to; /* ns after the start of each run; to -1: until its end */
    int64_t origin;   /* unix ns that stand for the start of all; 0: each its own */
    bool functions, children;
    size_t buckets; /* of a run's curve */
    size_t calls;   /* at most so many spans, the longest */
};

/* A straight line through points: MiB a second, MiB at the start, and the slope's standard error. */
struct mp_trend {
    double slope, intercept, error;
};

struct mp_figure_curve {
    struct mp_series points; /* decimated; MP_NO_DATA marks gaps */
    struct mp_trend trend;
    int64_t peak, peak_time; /* unix ns, the first of the highest */
};

struct mp_figure_child {
    const struct mp_track *track; /* borrowed from the timeline */
    struct mp_figure_curve curve;
    struct mp_series cpu; /* decimated */
};

struct mp_figure_run {
    const char *file;                   /* borrowed */
    const struct mp_timeline *timeline; /* borrowed */
    int64_t start, from, to;            /* unix ns */
    struct mp_figure_curve curve;
    struct mp_series
        marks;   /* the highest between samples, each in the middle of its range */
    bool bounds; /* of a tree: marks are upper bounds */
    struct mp_series group, cpu; /* decimated */
    struct mp_series
        kills; /* for memory, in the control group: how many, in the place of bytes */
    struct mp_gaps gaps;
    int64_t mean_cpu;                 /* over the window; -1: not recorded */
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
/* The lowest limit of its control group, of those recorded and the one told of at the end; -1: there is none. */
int64_t mp_figure_limit(const struct mp_timeline *);
void mp_figure_run_release(struct mp_figure_run *);

#endif
