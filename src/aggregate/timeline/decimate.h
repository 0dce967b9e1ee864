/* One decimation for every picture: it keeps every extreme.
 *
 * Time is cut into buckets; of each bucket the first, lowest, highest and last point stay, in
 * order. A curve drawn through them at a bucket a pixel is the curve drawn through all points: a
 * spike of one sample among millions is still there.
 *
 *      . .:                       first .        highest
 *     :    . .      becomes              \  /\  /
 *      .                                  lowest  last
 */
#ifndef MP_AGGREGATE_TIMELINE_DECIMATE_H
#define MP_AGGREGATE_TIMELINE_DECIMATE_H

#include "record/series.h"

enum { MP_NO_DATA = -1 }; /* bytes of a point that stands for a gap */

/* Appends to `out` what a picture of [from, to] needs of a sorted series: at most 4 points a
   bucket, and a MP_NO_DATA point between two points more than `gap` ns apart (0: never).
   0, or -1 with errno ENOMEM. */
int mp_decimate(const struct mp_series *, int64_t from, int64_t to, size_t buckets,
                int64_t gap, struct mp_series *out);

/* How far apart two samples are, in ns, when those between are missing: five times what is usual,
   and at least a fifth of a second. `interval` is what was asked for, 0 where it is not known. 0,
   which is never, where that and the samples are too few to say. */
int64_t mp_gap_of(const struct mp_series *, int64_t interval);

/* Of points that say what was so until the next: makes the line through them say that, with a
   corner before each step. 0, or -1 with errno ENOMEM. */
int mp_put_corners(struct mp_series *);

/* Of such points, what is so within [from, to]: with a point at either end. Empty where the first
   comes later. 0, or -1 with errno ENOMEM. */
int mp_clip_standing(const struct mp_series *, int64_t from, int64_t to,
                     struct mp_series *out);

/* The lowest and highest of each of `count` columns of [from, to]; MP_NO_DATA in columns without a
   point. Either array may be NULL. */
void mp_decimate_columns(const struct mp_series *, int64_t from, int64_t to, size_t count,
                         int64_t *low, int64_t *high);

#endif
