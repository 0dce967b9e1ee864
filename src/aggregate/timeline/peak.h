/* The highest memory of a run, of a child, of a function: samples and true marks together. */
#ifndef MP_AGGREGATE_TIMELINE_PEAK_H
#define MP_AGGREGATE_TIMELINE_PEAK_H

#include "record/series.h"

/* Whether the readings a call took of its own process are readings of the total too. */
bool mp_peak_counts_call(const struct mp_timeline *, const struct mp_span *);

/* Bytes, or -1 when nothing was recorded. Of a tree: the highest total or single mark, which
   its true peak is not below. */
int64_t mp_peak_total(const struct mp_timeline *);

/* Of a tree: what its true peak is not above. The peak itself for a single process. */
int64_t mp_peak_bound(const struct mp_timeline *);

int64_t mp_peak_track(const struct mp_timeline *, const struct mp_track *);

/* Over all calls of one name; -1 when it was never called. */
int64_t mp_peak_function(const struct mp_timeline *, int name);

/* The name's index, given whole or as the part behind a point when only one fits; -1. */
int mp_peak_find_function(const struct mp_timeline *, const char *name);

#endif
