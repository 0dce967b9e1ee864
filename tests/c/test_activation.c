/* Activations and tracers with a source of readings that the test sets: what a table must hold
   after a sequence of events is exact. */
#include "unit.h"

#include <pthread.h>

#include "capture/activation.h"
#include "capture/tracer.h"

static int64_t bytes;
static int released;

static int64_t read_bytes(void *self)
{
    (void)self;
    return bytes;
}

static void count_release(struct mp_tracer *tracer)
{
    (void)tracer;
    released++;
}

static void forget_nothing(const void *code)
{
    (void)code;
}

static struct mp_tracer *make_tracer(void)
{
    struct mp_tracer *tracer = mp_tracer_new();
    tracer->source.read = read_bytes;
    tracer->on_release = count_release;
    released = 0;
    return tracer;
}

static void drop(struct mp_tracer *tracer)
{
    mp_tracer_unbind(tracer, forget_nothing);
    mp_tracer_drop(tracer);
}

static void begin(const char *frame, struct mp_tracer *tracer, struct mp_line_table *table,
                  int line)
{
    mp_activation_begin(mp_thread_self(), frame, tracer, table, line, false);
}

static void reach(const char *frame, int line)
{
    struct mp_activation *top = mp_activation_find(mp_thread_self(), frame);
    assert_non_null(top);
    mp_activation_line(mp_thread_self(), top, line);
}

static void leave(const char *frame)
{
    assert_non_null(mp_activation_find(mp_thread_self(), frame));
    mp_activation_end(mp_thread_self());
}

static int64_t increment(struct mp_line_table *table, int line)
{
    return mp_line_table_row(table, line)->increment;
}

static int64_t sum(struct mp_line_table *table)
{
    int64_t total = 0;
    for (int i = 0; i < table->count; i++)
        total += table->rows[i].increment;
    return total;
}

static const char f[4], g[4], code_f, code_g;

static void a_line_is_charged_with_what_happened_until_the_next(void **state)
{
    (void)state;
    struct mp_tracer *tracer = make_tracer();
    struct mp_line_table *table = mp_tracer_add(tracer, &code_f, 1, 4, 1);
    bytes = 100;
    begin(f, tracer, table, 1);
    reach(f, 2);
    bytes = 150;
    reach(f, 3);
    bytes = 120;
    reach(f, 2);
    bytes = 125;
    leave(f);
    assert_int_equal(table->baseline, 100);
    assert_int_equal(mp_line_table_increment(table, 1), 100);
    assert_int_equal(increment(table, 2), 55);
    assert_int_equal(increment(table, 3), -30);
    assert_int_equal(mp_line_table_row(table, 2)->memory, 150);
    assert_int_equal(mp_line_table_row(table, 2)->occurrences, 2);
    assert_int_equal(mp_line_table_row(table, 4)->occurrences, 0);
    assert_int_equal(sum(table), 25);
    drop(tracer);
    assert_int_equal(released, 1);
}

static void a_recursion_sums_to_the_outermost_exit_minus_entry(void **state)
{
    (void)state;
    struct mp_tracer *tracer = make_tracer();
    struct mp_line_table *table = mp_tracer_add(tracer, &code_f, 1, 3, 1);
    bytes = 100;
    for (int level = 0; level < 4; level++) {
        begin(&f[level], tracer, table, 1);
        reach(&f[level], 2);
        bytes += 10;
        reach(&f[level], 3);
    }
    for (int level = 3; level >= 0; level--) {
        bytes += 1;
        leave(&f[level]);
    }
    assert_int_equal(sum(table), 44);
    assert_int_equal(increment(table, 2), 40);
    assert_int_equal(increment(table, 3), 4);
    assert_int_equal(table->baseline, 100);
    drop(tracer);
}

static void another_tables_callee_is_charged_to_the_line_that_calls(void **state)
{
    (void)state;
    struct mp_tracer *tracer = make_tracer();
    struct mp_line_table *outer = mp_tracer_add(tracer, &code_f, 1, 2, 1);
    struct mp_line_table *inner = mp_tracer_add(tracer, &code_g, 11, 12, 11);
    bytes = 0;
    begin(f, tracer, outer, 1);
    reach(f, 2);
    begin(g, tracer, inner, 11);
    reach(g, 12);
    bytes = 70;
    leave(g);
    bytes = 77;
    leave(f);
    assert_int_equal(increment(inner, 12), 70);
    assert_int_equal(increment(outer, 2), 77);
    drop(tracer);
}

static void segments_of_a_generator_leave_out_what_its_consumer_did(void **state)
{
    (void)state;
    struct mp_tracer *tracer = make_tracer();
    struct mp_line_table *table = mp_tracer_add(tracer, &code_f, 1, 2, 1);
    bytes = 10;
    begin(f, tracer, table, 1);
    reach(f, 2);
    bytes = 15;
    leave(f);
    bytes = 1000;
    mp_activation_begin(mp_thread_self(), f, tracer, table, 2, true);
    bytes = 1007;
    leave(f);
    assert_int_equal(sum(table), 12);
    assert_int_equal(mp_line_table_row(table, 2)->occurrences, 2);
    drop(tracer);
}

static void a_frame_that_is_used_again_ends_the_stale_activation(void **state)
{
    (void)state;
    struct mp_tracer *tracer = make_tracer();
    struct mp_line_table *table = mp_tracer_add(tracer, &code_f, 1, 2, 1);
    size_t depth = mp_thread_self()->depth;
    bytes = 10;
    begin(f, tracer, table, 1);
    begin(f, tracer, table, 1);
    assert_int_equal(mp_thread_self()->depth, depth + 1);
    leave(f);
    assert_null(mp_activation_find(mp_thread_self(), f));
    drop(tracer);
}

static void a_greenlet_that_is_switched_back_goes_on_with_its_line(void **state)
{
    (void)state;
    struct mp_tracer *tracer = make_tracer();
    struct mp_line_table *left = mp_tracer_add(tracer, &code_f, 1, 3, 1);
    struct mp_line_table *right = mp_tracer_add(tracer, &code_g, 11, 13, 11);
    bytes = 0;
    begin(f, tracer, left, 1);
    reach(f, 2);
    begin(g, tracer, right, 11);
    reach(g, 12);
    reach(f, 3);
    reach(g, 13);
    leave(f);
    leave(g);
    assert_int_equal(mp_line_table_row(left, 2)->occurrences, 1);
    assert_int_equal(mp_line_table_row(right, 13)->occurrences, 1);
    assert_int_equal(mp_thread_self()->depth, 0);
    drop(tracer);
}

static void a_failed_reading_charges_nothing_and_is_counted(void **state)
{
    (void)state;
    struct mp_tracer *tracer = make_tracer();
    struct mp_line_table *table = mp_tracer_add(tracer, &code_f, 1, 3, 1);
    bytes = 10;
    begin(f, tracer, table, 1);
    reach(f, 2);
    bytes = -1;
    reach(f, 3);
    bytes = 30;
    leave(f);
    assert_int_equal(increment(table, 2), 0);
    assert_int_equal(increment(table, 3), 20);
    assert_int_equal(tracer->failed, 1);
    drop(tracer);
}

static void the_innermost_tracer_of_this_thread_is_chosen_then_the_newest(void **state)
{
    (void)state;
    struct mp_tracer *one = make_tracer(), *two = make_tracer(), *chosen;
    struct mp_line_table *first = mp_tracer_add(one, &code_f, 1, 2, 1), *table;
    struct mp_line_table *second = mp_tracer_add(two, &code_f, 1, 2, 1);
    struct mp_thread *thread = mp_thread_self();
    assert_int_equal(mp_tracer_bind(one, &code_f, first, false), 0);
    assert_int_equal(mp_tracer_bind(two, &code_f, second, false), 0);
    assert_false(mp_tracer_choose(thread, &code_f, &chosen, &table));
    assert_int_equal(mp_tracer_enter(two), 0);
    assert_int_equal(mp_tracer_enter(one), 0);
    assert_true(mp_tracer_choose(thread, &code_f, &chosen, &table));
    assert_ptr_equal(chosen, one);
    mp_tracer_leave(one);
    assert_true(mp_tracer_choose(thread, &code_f, &chosen, &table));
    assert_ptr_equal(table, second);
    mp_tracer_leave(two);
    mp_tracer_leave(two); /* once too often */
    assert_false(mp_tracer_choose(thread, &code_f, &chosen, &table));
    assert_int_equal(two->entered, 0);
    drop(two);
    assert_null(mp_tracer_table(two, &code_f));
    assert_ptr_equal(mp_tracer_table(one, &code_f), first);
    drop(one);
}

static void what_is_bound_as_always_counts_without_an_enter(void **state)
{
    (void)state;
    struct mp_tracer *tracer = make_tracer(), *chosen;
    struct mp_line_table *table = mp_tracer_add(tracer, &code_f, 1, 2, 1), *found;
    assert_int_equal(mp_tracer_bind(tracer, &code_f, table, true), 0);
    assert_true(mp_tracer_choose(mp_thread_self(), &code_f, &chosen, &found));
    assert_ptr_equal(found, table);
    drop(tracer);
}

static void leaving_ends_what_was_left_open(void **state)
{
    (void)state;
    struct mp_tracer *tracer = make_tracer();
    struct mp_line_table *table = mp_tracer_add(tracer, &code_f, 1, 2, 1);
    assert_int_equal(mp_tracer_enter(tracer), 0);
    begin(f, tracer, table, 1);
    begin(g, tracer, table, 1);
    mp_tracer_leave(tracer);
    assert_int_equal(mp_thread_self()->depth, 0);
    drop(tracer);
    assert_int_equal(released, 1);
}

static void a_thousand_codes_are_bound_found_and_forgotten(void **state)
{
    (void)state;
    static char codes[1000];
    struct mp_tracer *tracer = make_tracer();
    struct mp_line_table *table = mp_tracer_add(tracer, codes, 1, 2, 1);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(mp_tracer_bind(tracer, &codes[i], table, false), 0);
    for (int i = 0; i < 1000; i++)
        assert_true(mp_tracer_is_bound(&codes[i]));
    mp_tracer_unbind(tracer, forget_nothing);
    for (int i = 0; i < 1000; i++)
        assert_false(mp_tracer_is_bound(&codes[i]));
    mp_tracer_drop(tracer);
}

static void *other_thread(void *out)
{
    struct mp_thread *thread = mp_thread_self();
    *(struct mp_thread **)out = thread;
    return thread == mp_thread_self() && !thread->depth ? thread : NULL;
}

static void each_thread_has_its_own_stack(void **state)
{
    (void)state;
    pthread_t thread;
    struct mp_thread *other = NULL;
    void *same = NULL;
    pthread_create(&thread, NULL, other_thread, &other);
    pthread_join(thread, &same);
    assert_non_null(same);
    assert_ptr_not_equal(other, mp_thread_self());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_charged_with_what_happened_until_the_next),
        cmocka_unit_test(a_recursion_sums_to_the_outermost_exit_minus_entry),
        cmocka_unit_test(another_tables_callee_is_charged_to_the_line_that_calls),
        cmocka_unit_test(segments_of_a_generator_leave_out_what_its_consumer_did),
        cmocka_unit_test(a_frame_that_is_used_again_ends_the_stale_activation),
        cmocka_unit_test(a_greenlet_that_is_switched_back_goes_on_with_its_line),
        cmocka_unit_test(a_failed_reading_charges_nothing_and_is_counted),
        cmocka_unit_test(the_innermost_tracer_of_this_thread_is_chosen_then_the_newest),
        cmocka_unit_test(what_is_bound_as_always_counts_without_an_enter),
        cmocka_unit_test(leaving_ends_what_was_left_open),
        cmocka_unit_test(a_thousand_codes_are_bound_found_and_forgotten),
        cmocka_unit_test(each_thread_has_its_own_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
