#include "unit.h"

#include <time.h>

#include "base/clock.h"

static void nanoseconds_never_go_back(void **state)
{
    (void)state;
    int64_t last = mp_clock_ns();
    for (int i = 0; i < 10000; i++) {
        int64_t now = mp_clock_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void ticks_and_their_rate_agree_with_nanoseconds(void **state)
{
    (void)state;
    uint64_t rate = mp_clock_ticks_per_us();
    assert_true(rate >= 1);
    assert_int_equal(rate, mp_clock_ticks_per_us());
    int64_t start = mp_clock_ns();
    uint64_t ticks = mp_clock_ticks();
    struct timespec nap = {.tv_nsec = 20 * 1000 * 1000};
    nanosleep(&nap, NULL);
    double elapsed = (double)(mp_clock_ticks() - ticks) / (double)rate;
    double expected = (double)(mp_clock_ns() - start) / 1000;
    assert_true(elapsed > expected * 0.8 && elapsed < expected * 1.25);
}

/* As long as nobody sets the clock; a step shows in both. */
static void times_of_day_are_those_of_the_wall_clock(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct timespec before, after;
        clock_gettime(CLOCK_REALTIME, &before);
        int64_t now = mp_clock_ns() + mp_clock_wall_offset();
        clock_gettime(CLOCK_REALTIME, &after);
        const int64_t second = 1000000000, close = 100000;
        assert_true(now > before.tv_sec * second + before.tv_nsec - close);
        assert_true(now < after.tv_sec * second + after.tv_nsec + close);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_of_day_are_those_of_the_wall_clock),
        cmocka_unit_test(nanoseconds_never_go_back),
        cmocka_unit_test(ticks_and_their_rate_agree_with_nanoseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
