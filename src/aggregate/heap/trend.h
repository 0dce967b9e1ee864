/* How a figure went with time: whether it keeps growing, or grew once and stayed.
 *
 *       grows                 stayed                neither
 *           __/             ___________           /\  /\    /\
 *        __/               |                     /  \/  \  /  \
 *     __/             _____|                         \/
 */
#ifndef MP_AGGREGATE_HEAP_TREND_H
#define MP_AGGREGATE_HEAP_TREND_H

#include <stddef.h>
#include <stdint.h>

enum mp_heap_trend_kind {
    MP_HEAP_TREND_NONE,
    MP_HEAP_TREND_STAYED, /* it grew, in one step or until some time ago */
    MP_HEAP_TREND_GROWS
};

enum {
    MP_HEAP_TREND_LEAST = 4, /* points, to say that anything grows */
    MP_HEAP_TREND_SURE = 2   /* standard errors of its growth */
};

struct mp_heap_trend {
    enum mp_heap_trend_kind kind;
    int64_t growth;      /* from the first point to the last */
    int64_t step;        /* the largest growth from one point to the next */
    int64_t fallen;      /* what it lost in between, summed */
    int64_t late;        /* growth in the last third of the points */
    size_t rises, steps; /* from one point to the next, how often it grew; of how many */
    double order;        /* 1: each point is more than all before; 0: neither; -1: less */
    double slope, error; /* an hour, by least squares; its standard error */
};

/* `times` in ns, ascending. `error`: the standard error of the growth; less than two of them is
   none. What grows has an order of 0.6 and more and a slope from point to point of more than two of its errors, no step that
   is four fifths of the growth, and a twentieth of it in the last third of the points. Of less than
   MP_HEAP_TREND_LEAST points nothing does. Time is that of all pairs of points. */
struct mp_heap_trend mp_heap_trend_of(const int64_t *times, const int64_t *values,
                                      size_t count, int64_t error);

#endif
