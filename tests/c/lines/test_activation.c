/* Activations and tracers with a source of readings that the test sets: what a table must hold
   after a sequence of events is exact. */
#include "unit.h"

#include <pthread.h>

#include "capture/lines/activation.h"
#include "capture/lines/binding.h"

static int64_t bytes;
static int released;

/* The tracer of a test, and its tables: lines 1 to 4 of f, lines 11 to 13 of g. */
static struct mp_tracer *tracer;
static struct mp_line_table *of_f, *of_g;
static const char f[4], g[4], code_f, code_g;

static int64_t read_bytes(void *self)
{
    (void)self;
    return bytes;
}

static void count_release(struct mp_tracer *gone)
{
    (void)gone;
    released++;
}

static void forget_nothing(const void *code)
{
    (void)code;
}

static struct mp_tracer *make_tracer(void)
{
    struct mp_tracer *made = mp_tracer_new();
    made->source.read = read_bytes;
    made->on_release = count_release;
    return made;
}

static void drop(struct mp_tracer *one)
{
    mp_tracer_unbind(one, forget_nothing);
    mp_tracer_drop(one);
}

static int set_up(void **state)
{
    (void)state;
    tracer = make_tracer();
    of_f = mp_tracer_add(tracer, &code_f, 1, 4, 1);
    of_g = mp_tracer_add(tracer, &code_g, 11, 13, 11);
    bytes = 0;
    return 0;
}

/* Fails where something still held the tracer. */
static int tear_down(void **state)
{
    (void)state;
    released = 0;
    drop(tracer);
    return released == 1 ? 0 : -1;
}

static void begin(const char *frame, struct mp_line_table *table, int line)
{
    mp_activation_begin(mp_thread_self(), frame, tracer, table, line, false);
}

static void reach(const char *frame, int line)
{
    struct mp_activation *top = mp_activation_find(mp_thread_self(), frame);
    assert_non_null(top);
    mp_activation_line(mp_thread_self(), top, line);
}

/* Enters at a line and goes on to the next. */
static void run(const char *frame, struct mp_line_table *table, int line)
{
    begin(frame, table, line);
    reach(frame, line + 1);
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

static int64_t occurrences(struct mp_line_table *table, int line)
{
    return mp_line_table_row(table, line)->occurrences;
}

static int64_t sum(struct mp_line_table *table)
{
    int64_t total = 0;
    for (int i = 0; i < table->count; i++)
        total += table->rows[i].increment;
    return total;
}

static void a_line_is_charged_with_what_happened_until_the_next(void **state)
{
    (void)state;
    bytes = 100;
    run(f, of_f, 1);
    bytes = 150;
    reach(f, 3);
    bytes = 120;
    reach(f, 2);
    bytes = 125;
    leave(f);
    assert_int_equal(of_f->baseline, 100);
    assert_int_equal(mp_line_table_increment(of_f, 1), 100);
    assert_int_equal(increment(of_f, 2), 55);
    assert_int_equal(increment(of_f, 3), -30);
    assert_int_equal(mp_line_table_row(of_f, 2)->memory, 150);
    assert_int_equal(occurrences(of_f, 2), 2);
    assert_int_equal(occurrences(of_f, 4), 0);
    assert_int_equal(sum(of_f), 25);
}

static void a_recursion_sums_to_the_outermost_exit_minus_entry(void **state)
{
    (void)state;
    bytes = 100;
    for (int level = 0; level < 4; level++) {
        run(&f[level], of_f, 1);
        bytes += 10;
        reach(&f[level], 3);
    }
    for (int level = 3; level >= 0; level--) {
        bytes += 1;
        leave(&f[level]);
    }
    assert_int_equal(sum(of_f), 44);
    assert_int_equal(increment(of_f, 2), 40);
    assert_int_equal(increment(of_f, 3), 4);
    assert_int_equal(of_f->baseline, 100);
}

static void another_tables_callee_is_charged_to_the_line_that_calls(void **state)
{
    (void)state;
    run(f, of_f, 1);
    run(g, of_g, 11);
    bytes = 70;
    leave(g);
    bytes = 77;
    leave(f);
    assert_int_equal(increment(of_g, 12), 70);
    assert_int_equal(increment(of_f, 2), 77);
}

static void segments_of_a_generator_leave_out_what_its_consumer_did(void **state)
{
    (void)state;
    bytes = 10;
    run(f, of_f, 1);
    bytes = 15;
    leave(f);
    bytes = 1000;
    mp_activation_begin(mp_thread_self(), f, tracer, of_f, 2, true);
    bytes = 1007;
    leave(f);
    assert_int_equal(sum(of_f), 12);
    assert_int_equal(occurrences(of_f, 2), 2);
}

static void a_frame_that_is_used_again_ends_the_stale_activation(void **state)
{
    (void)state;
    size_t depth = mp_thread_self()->depth;
    bytes = 10;
    begin(f, of_f, 1);
    begin(f, of_f, 1);
    assert_int_equal(mp_thread_self()->depth, depth + 1);
    leave(f);
    assert_null(mp_activation_find(mp_thread_self(), f));
}

static void a_greenlet_that_is_switched_back_goes_on_with_its_line(void **state)
{
    (void)state;
    run(f, of_f, 1);
    run(g, of_g, 11);
    reach(f, 3);
    reach(g, 13);
    leave(f);
    leave(g);
    assert_int_equal(occurrences(of_f, 2), 1);
    assert_int_equal(occurrences(of_g, 13), 1);
    assert_int_equal(mp_thread_self()->depth, 0);
}

static void a_failed_reading_charges_nothing_and_is_counted(void **state)
{
    (void)state;
    bytes = 10;
    run(f, of_f, 1);
    bytes = -1;
    reach(f, 3);
    bytes = 30;
    leave(f);
    assert_int_equal(increment(of_f, 2), 0);
    assert_false(mp_line_is_read(mp_line_table_row(of_f, 2)));
    assert_int_equal(increment(of_f, 3), 20);
    assert_true(mp_line_is_read(mp_line_table_row(of_f, 3)));
    assert_int_equal(tracer->failed, 1);
}

static void
an_activation_that_begins_unread_is_measured_from_its_first_reading(void **state)
{
    (void)state;
    bytes = -1;
    run(f, of_f, 1);
    bytes = 30;
    reach(f, 3);
    bytes = 35;
    leave(f);
    assert_false(mp_line_is_read(mp_line_table_row(of_f, 1)));
    assert_int_equal(increment(of_f, 2), 0);
    assert_int_equal(increment(of_f, 3), 5);
    assert_int_equal(of_f->baseline, 30);
}

static void the_innermost_tracer_of_this_thread_is_chosen_then_the_newest(void **state)
{
    (void)state;
    struct mp_tracer *two = make_tracer(), *chosen;
    struct mp_line_table *second = mp_tracer_add(two, &code_f, 1, 2, 1), *table;
    struct mp_thread *thread = mp_thread_self();
    assert_int_equal(mp_tracer_bind(tracer, &code_f, of_f, false), 0);
    assert_int_equal(mp_tracer_bind(two, &code_f, second, false), 0);
    assert_false(mp_tracer_choose(thread, &code_f, &chosen, &table));
    assert_int_equal(mp_tracer_enter(two), 0);
    assert_int_equal(mp_tracer_enter(tracer), 0);
    assert_true(mp_tracer_choose(thread, &code_f, &chosen, &table));
    assert_ptr_equal(chosen, tracer);
    mp_tracer_leave(tracer);
    assert_true(mp_tracer_choose(thread, &code_f, &chosen, &table));
    assert_ptr_equal(table, second);
    mp_tracer_leave(two);
    mp_tracer_leave(two); /* once too often */
    assert_false(mp_tracer_choose(thread, &code_f, &chosen, &table));
    assert_int_equal(two->entered, 0);
    drop(two);
    assert_null(mp_tracer_table(two, &code_f));
    assert_ptr_equal(mp_tracer_table(tracer, &code_f), of_f);
}

static void what_is_bound_as_always_counts_without_an_enter(void **state)
{
    (void)state;
    struct mp_tracer *chosen;
    struct mp_line_table *found;
    assert_int_equal(mp_tracer_bind(tracer, &code_f, of_f, true), 0);
    assert_true(mp_tracer_choose(mp_thread_self(), &code_f, &chosen, &found));
    assert_ptr_equal(found, of_f);
}

static void leaving_ends_what_was_left_open(void **state)
{
    (void)state;
    assert_int_equal(mp_tracer_enter(tracer), 0);
    begin(f, of_f, 1);
    begin(g, of_f, 1);
    mp_tracer_leave(tracer);
    assert_int_equal(mp_thread_self()->depth, 0);
}

static void a_thousand_codes_are_bound_found_and_forgotten(void **state)
{
    (void)state;
    static char codes[1000];
    for (int i = 0; i < 1000; i++)
        assert_int_equal(mp_tracer_bind(tracer, &codes[i], of_f, false), 0);
    for (int i = 0; i < 1000; i++)
        assert_true(mp_tracer_is_bound(&codes[i]));
    mp_tracer_unbind(tracer, forget_nothing);
    for (int i = 0; i < 1000; i++)
        assert_false(mp_tracer_is_bound(&codes[i]));
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

#define WITH_TRACER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TRACER(a_line_is_charged_with_what_happened_until_the_next),
        WITH_TRACER(a_recursion_sums_to_the_outermost_exit_minus_entry),
        WITH_TRACER(another_tables_callee_is_charged_to_the_line_that_calls),
        WITH_TRACER(segments_of_a_generator_leave_out_what_its_consumer_did),
        WITH_TRACER(a_frame_that_is_used_again_ends_the_stale_activation),
        WITH_TRACER(a_greenlet_that_is_switched_back_goes_on_with_its_line),
        WITH_TRACER(a_failed_reading_charges_nothing_and_is_counted),
        WITH_TRACER(an_activation_that_begins_unread_is_measured_from_its_first_reading),
        WITH_TRACER(the_innermost_tracer_of_this_thread_is_chosen_then_the_newest),
        WITH_TRACER(what_is_bound_as_always_counts_without_an_enter),
        WITH_TRACER(leaving_ends_what_was_left_open),
        WITH_TRACER(a_thousand_codes_are_bound_found_and_forgotten),
        cmocka_unit_test(each_thread_has_its_own_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
