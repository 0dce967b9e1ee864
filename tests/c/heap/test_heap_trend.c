/* Which figures keep growing, of those that go up and down, or went up once. */
#include "unit.h"

#include "aggregate/heap/trend.h"

enum { COUNT = 40, SECOND = 1000000000 };

static struct mp_heap_trend trend_of(int64_t value(int), size_t count, int64_t error)
{
    int64_t times[COUNT], values[COUNT];
    for (int i = 0; i < COUNT; i++) {
        times[i] = (int64_t)i * 90 * SECOND;
        values[i] = value(i);
    }
    return mp_heap_trend_of(times, values, count, error);
}

static int64_t leak(int i)
{
    return 1000 + 2048 * (int64_t)i;
}

static int64_t leak_with_noise(int i)
{
    return 100000 + 2048 * (int64_t)i + (i * 7919) % 5000;
}

static int64_t bounded_cache(int i)
{
    return 500000 + (i * 7919) % 20000;
}

static int64_t filled_and_full(int i)
{
    return i < 20 ? 5000 * (int64_t)i : 100000;
}

static int64_t once(int i)
{
    return i < 17 ? 1000 : 90000 + i % 3;
}

static int64_t shrinking(int i)
{
    return 1 << 20 >> i / 8;
}

static int64_t leak_of_fewer_and_fewer_requests(int i)
{
    return i < 27 ? 4096 * (int64_t)i : 4096 * 27 + 512 * (int64_t)(i - 27);
}

static void a_leak_grows_with_its_rate(void **state)
{
    (void)state;
    struct mp_heap_trend trend = trend_of(leak, COUNT, 0);
    assert_int_equal(trend.kind, MP_HEAP_TREND_GROWS);
    assert_int_equal(trend.growth, 2048 * (COUNT - 1));
    assert_int_equal(trend.rises, COUNT - 1);
    assert_int_equal(trend.steps, COUNT - 1);
    assert_true(trend.slope > 40 * 2047 && trend.slope < 40 * 2049); /* 40 steps an hour */
    assert_true(trend.error < 1);
    trend = trend_of(leak_with_noise, COUNT, 0);
    assert_int_equal(trend.kind, MP_HEAP_TREND_GROWS);
    assert_true(trend.slope > 40 * 1800 && trend.slope < 40 * 2300);
    assert_true(trend.error > 40 * 10 && trend.error < 40 * 100);
    trend = trend_of(leak_of_fewer_and_fewer_requests, COUNT, 0);
    assert_int_equal(trend.kind, MP_HEAP_TREND_GROWS);
}

static void what_is_full_went_up_once_or_goes_up_and_down_does_not(void **state)
{
    (void)state;
    assert_int_equal(trend_of(bounded_cache, COUNT, 0).kind, MP_HEAP_TREND_NONE);
    assert_int_equal(trend_of(filled_and_full, COUNT, 0).kind, MP_HEAP_TREND_STAYED);
    assert_int_equal(trend_of(once, COUNT, 0).kind, MP_HEAP_TREND_STAYED);
    assert_int_equal(trend_of(once, COUNT, 0).step, 90002 - 1000);
    assert_int_equal(trend_of(shrinking, COUNT, 0).kind, MP_HEAP_TREND_NONE);
}

static void idle_time_at_the_end_does_not_hide_a_leak(void **state)
{
    (void)state;
    int64_t times[COUNT], values[COUNT];
    for (int i = 0; i < COUNT; i++) {
        times[i] = (int64_t)i * 90 * SECOND;
        values[i] = leak(i);
    }
    times[COUNT - 1] *= 400; /* a slope alone would not do */
    assert_int_equal(mp_heap_trend_of(times, values, COUNT, 0).kind, MP_HEAP_TREND_GROWS);
}

static void growth_within_the_error_of_samples_is_none(void **state)
{
    (void)state;
    assert_int_equal(trend_of(leak, COUNT, 40000).kind, MP_HEAP_TREND_NONE);
    assert_int_equal(trend_of(leak, COUNT, 39000).kind, MP_HEAP_TREND_GROWS);
}

static void few_points_are_too_few_to_say_that_it_grows(void **state)
{
    (void)state;
    for (size_t count = 0; count < MP_HEAP_TREND_LEAST; count++)
        assert_int_not_equal(trend_of(leak, count, 0).kind, MP_HEAP_TREND_GROWS);
    assert_int_equal(trend_of(leak, MP_HEAP_TREND_LEAST, 0).kind, MP_HEAP_TREND_GROWS);
}

static void extreme_figures_and_times_are_no_trap(void **state)
{
    (void)state;
    const int64_t times[] = {INT64_MIN, 0, 0, INT64_MAX, INT64_MAX};
    const int64_t values[] = {INT64_MAX, INT64_MIN, 0, INT64_MAX, INT64_MAX};
    struct mp_heap_trend trend = mp_heap_trend_of(times, values, 5, 0);
    assert_int_equal(trend.growth, 0);
    trend = mp_heap_trend_of(times + 1, values + 1, 2, 0);
    assert_int_equal(trend.steps, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leak_grows_with_its_rate),
        cmocka_unit_test(what_is_full_went_up_once_or_goes_up_and_down_does_not),
        cmocka_unit_test(idle_time_at_the_end_does_not_hide_a_leak),
        cmocka_unit_test(growth_within_the_error_of_samples_is_none),
        cmocka_unit_test(few_points_are_too_few_to_say_that_it_grows),
        cmocka_unit_test(extreme_figures_and_times_are_no_trap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
