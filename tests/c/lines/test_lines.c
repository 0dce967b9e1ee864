#include "unit.h"

#include <errno.h>
#include <limits.h>

#include "record/lines.h"

static void a_fresh_table_has_unmeasured_rows_for_each_line(void **state)
{
    (void)state;
    struct mp_line_table table;
    assert_int_equal(mp_line_table_init(&table, 10, 20, 10), 0);
    assert_int_equal(table.count, 11);
    assert_int_equal(table.baseline, -1);
    for (int line = 10; line <= 20; line++)
        assert_int_equal(mp_line_table_row(&table, line)->occurrences, 0);
    mp_line_table_release(&table);
    assert_null(table.rows);
}

static void lines_outside_have_no_row(void **state)
{
    (void)state;
    struct mp_line_table table;
    int outside[] = {9, 21, 0, -1, INT_MIN, INT_MAX};
    assert_int_equal(mp_line_table_init(&table, 10, 20, 10), 0);
    for (int i = 0; i < 6; i++) {
        assert_null(mp_line_table_row(&table, outside[i]));
        assert_int_equal(mp_line_table_increment(&table, outside[i]), 0);
    }
    mp_line_table_release(&table);
}

static void the_baseline_shows_on_the_entry_row_alone(void **state)
{
    (void)state;
    struct mp_line_table table;
    assert_int_equal(mp_line_table_init(&table, 1, 3, 2), 0);
    mp_line_table_row(&table, 2)->increment = 5;
    mp_line_table_row(&table, 3)->increment = 7;
    assert_int_equal(mp_line_table_increment(&table, 2), 5);
    table.baseline = 100;
    assert_int_equal(mp_line_table_increment(&table, 2), 105);
    assert_int_equal(mp_line_table_increment(&table, 3), 7);
    mp_line_table_release(&table);
}

static void spans_that_are_none_are_refused(void **state)
{
    (void)state;
    struct mp_line_table table;
    assert_int_equal(mp_line_table_init(&table, 5, 4, 5), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(mp_line_table_init(&table, INT_MIN, INT_MAX, 0), -1);
    assert_int_equal(errno, EINVAL);
    mp_line_table_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_table_has_unmeasured_rows_for_each_line),
        cmocka_unit_test(lines_outside_have_no_row),
        cmocka_unit_test(the_baseline_shows_on_the_entry_row_alone),
        cmocka_unit_test(spans_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
