#include "aggregate/heap/trend.h"

#include <math.h>
#include <stdbool.h>

#include "base/saturate.h"

static const double NS_AN_HOUR = 3600e9;
static const double ONE_STEP = 0.8;    /* of the growth: it grew once */
static const double MOST_FALLEN = 0.5; /* of the growth: it went up and down */
static const double LATE_SHARE = 0.05, IN_ORDER = 0.6;
enum { LATE_PART = 3 };

struct slope {
    double slope, error;
};

/* Hours; without times as many as there are points before. */
static double place(const int64_t *times, size_t at)
{
    return times ? (double)mp_difference(times[at], times[0]) / NS_AN_HOUR : (double)at;
}

/* The line with the least sum of squares of what the values are off it. */
static struct slope fit(const int64_t *times, const int64_t *values, size_t count)
{
    struct slope fitted = {0};
    double n = (double)count, mean_x = 0, mean_y = 0, xx = 0, xy = 0, off = 0;
    for (size_t i = 0; i < count; i++) {
        mean_x += place(times, i) / n;
        mean_y += (double)values[i] / n;
    }
    for (size_t i = 0; i < count; i++) {
        double x = place(times, i) - mean_x;
        xx += x * x;
        xy += x * ((double)values[i] - mean_y);
    }
    if (xx <= 0)
        return fitted;
    fitted.slope = xy / xx;
    for (size_t i = 0; i < count; i++) {
        double left =
            (double)values[i] - mean_y - fitted.slope * (place(times, i) - mean_x);
        off += left * left;
    }
    fitted.error = count > 2 ? sqrt(off / (n - 2) / xx) : 0;
    return fitted;
}

/* The last third is one of the points: a program that is idle has none. */
static void count_steps(struct mp_heap_trend *trend, const int64_t *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        int64_t step = mp_difference(values[i], values[i - 1]);
        trend->rises += step > 0;
        trend->fallen = mp_sum(trend->fallen, step < 0 ? mp_difference(0, step) : 0);
        trend->steps++;
        if (step > trend->step)
            trend->step = step;
    }
    trend->late =
        mp_difference(values[count - 1], values[count - 1 - (count - 1) / LATE_PART]);
}

/* Kendall's: of all pairs of points the share in which the later one is more, less that in which it is
   less. However unevenly the program worked. */
static double order_of(const int64_t *values, size_t count)
{
    int64_t order = 0, pairs = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++, pairs++)
            order += (values[j] > values[i]) - (values[j] < values[i]);
    return pairs ? (double)order / (double)pairs : 0;
}

/* `by_point`: the slope from point to point. That of time is nothing beside an idle night. */
static enum mp_heap_trend_kind judge(const struct mp_heap_trend *trend, int64_t error,
                                     struct slope by_point)
{
    double growth = (double)trend->growth;
    if (trend->growth <= 0 || growth <= MP_HEAP_TREND_SURE * (double)error)
        return MP_HEAP_TREND_NONE;
    bool in_steps = (double)trend->step >= ONE_STEP * growth ||
                    (double)trend->late < LATE_SHARE * growth;
    if (in_steps || trend->steps + 1 < MP_HEAP_TREND_LEAST)
        return (double)trend->fallen <= MOST_FALLEN * growth ? MP_HEAP_TREND_STAYED
                                                             : MP_HEAP_TREND_NONE;
    return trend->order >= IN_ORDER && by_point.slope > MP_HEAP_TREND_SURE * by_point.error
               ? MP_HEAP_TREND_GROWS
               : MP_HEAP_TREND_NONE;
}

struct mp_heap_trend mp_heap_trend_of(const int64_t *times, const int64_t *values,
                                      size_t count, int64_t error)
{
    struct mp_heap_trend trend = {0};
    if (count < 2)
        return trend;
    trend.growth = mp_difference(values[count - 1], values[0]);
    struct slope an_hour = fit(times, values, count);
    trend.slope = an_hour.slope;
    trend.error = an_hour.error;
    count_steps(&trend, values, count);
    trend.order = order_of(values, count);
    trend.kind = judge(&trend, error, fit(NULL, values, count));
    return trend;
}
