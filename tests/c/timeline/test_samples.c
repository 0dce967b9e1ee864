#include "unit.h"

#include <errno.h>
#include <stdint.h>

#include "record/samples.h"

static void a_run_keeps_what_is_added_in_order(void **state)
{
    (void)state;
    struct mp_samples samples;
    assert_false(mp_samples_init(&samples, 1024));
    for (int i = 0; i < 100; i++)
        mp_samples_add(&samples, (struct mp_sample){i, 1000 + i, 0});
    assert_int_equal(samples.count, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(samples.rows[i].bytes, 1000 + i);
    mp_samples_release(&samples);
}

static void a_full_run_halves_its_resolution_and_keeps_the_largest(void **state)
{
    (void)state;
    struct mp_samples samples;
    assert_false(mp_samples_init(&samples, 1024));
    for (int i = 0; i < 5000; i++)
        mp_samples_add(&samples, (struct mp_sample){i, i == 777 ? 9999 : i % 7, 0});
    assert_true(samples.halvings >= 3);
    assert_true(samples.count <= 1024);
    int64_t largest = 0, last = -1;
    for (size_t i = 0; i < samples.count; i++) {
        assert_true(samples.rows[i].at > last);
        last = samples.rows[i].at;
        largest = samples.rows[i].bytes > largest ? samples.rows[i].bytes : largest;
    }
    assert_int_equal(largest, 9999);
    assert_true(samples.rows[0].at < 1 << samples.halvings && last == 4999);
    assert_int_equal(samples.lost, 0);
    mp_samples_release(&samples);
}

/* Ticks with 0 to most - 1 children, until the run was halved several times. */
static void check_ticks_of(int most)
{
    struct mp_samples samples;
    assert_false(mp_samples_init(&samples, 1024));
    for (int i = 0; i < 3000; i++) {
        mp_samples_add(&samples, (struct mp_sample){i, i * 7919 % 1000, 0});
        for (int child = 1; child <= i % most; child++)
            mp_samples_add(&samples, (struct mp_sample){i, child, child});
    }
    assert_true(samples.halvings > 1);
    for (size_t i = 0, children = 0; i < samples.count; i++) {
        const struct mp_sample *row = &samples.rows[i];
        children = row->pid ? children + 1 : 0;
        assert_int_equal(row->pid, children);
        if (i + 1 == samples.count || !samples.rows[i + 1].pid)
            assert_int_equal(children, row->at % most);
    }
    mp_samples_release(&samples);
}

static void children_stay_with_their_tick(void **state)
{
    (void)state;
    for (int most = 2; most < 12; most++)
        check_ticks_of(most);
}

static void a_tick_too_large_is_counted_as_lost(void **state)
{
    (void)state;
    struct mp_samples samples;
    assert_false(mp_samples_init(&samples, 1024));
    mp_samples_add(&samples, (struct mp_sample){1, 1, 0});
    for (int child = 1; child <= 2000; child++)
        mp_samples_add(&samples, (struct mp_sample){1, 1, child});
    assert_int_equal(samples.count, 1024);
    assert_int_equal(samples.lost, 2001 - 1024);
    mp_samples_release(&samples);
}

static void more_than_the_address_space_holds_is_made_less(void **state)
{
    (void)state;
    struct mp_samples samples;
    assert_false(mp_samples_init(&samples, SIZE_MAX / 64));
    assert_true(samples.room >= 1024);
    mp_samples_add(&samples, (struct mp_sample){1, 2, 0});
    assert_int_equal(samples.rows[0].bytes, 2);
    mp_samples_release(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_keeps_what_is_added_in_order),
        cmocka_unit_test(a_full_run_halves_its_resolution_and_keeps_the_largest),
        cmocka_unit_test(children_stay_with_their_tick),
        cmocka_unit_test(a_tick_too_large_is_counted_as_lost),
        cmocka_unit_test(more_than_the_address_space_holds_is_made_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
