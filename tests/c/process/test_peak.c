#include "unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/process/meter.h"
#include "capture/process/peak.h"

static const char *program;

static int64_t rss(void)
{
    struct mp_meter meter;
    assert_false(mp_meter_open(&meter, 0, MP_RSS));
    int64_t bytes = mp_meter_read(&meter);
    mp_meter_release(&meter);
    return bytes;
}

static void a_spike_inside_an_interval_is_its_peak(void **state)
{
    (void)state;
    struct mp_peak peak;
    int64_t before = rss();
    mp_peak_begin(&peak, -1);
    spike(100 * MIB);
    assert_near(mp_peak_end(&peak, -1), before + 100 * MIB);
}

static void an_interval_does_not_see_a_spike_before_it(void **state)
{
    (void)state;
    struct mp_peak peak;
    spike(100 * MIB);
    int64_t before = rss();
    mp_peak_begin(&peak, -1);
    assert_near(mp_peak_read(&peak, -1), before);
    spike(20 * MIB);
    assert_near(mp_peak_end(&peak, -1), before + 20 * MIB);
}

static void an_outer_interval_keeps_the_spike_that_an_inner_one_erased(void **state)
{
    (void)state;
    struct mp_peak outer, inner;
    int64_t before = rss();
    mp_peak_begin(&outer, -1);
    spike(100 * MIB);
    mp_peak_begin(&inner, -1);
    spike(30 * MIB);
    assert_near(mp_peak_end(&inner, -1), before + 30 * MIB);
    assert_near(mp_peak_end(&outer, -1), before + 100 * MIB);
}

static void each_of_many_nested_intervals_sees_the_spikes_since_it_opened(void **state)
{
    (void)state;
    enum { DEPTH = 8 };
    struct mp_peak peaks[DEPTH];
    static const int sizes[DEPTH] = {40, 90, 60, 30, 70, 20, 50, 10};
    int64_t before = rss(), largest = 0;
    for (int i = 0; i < DEPTH; i++) {
        mp_peak_begin(&peaks[i], -1);
        spike(sizes[i] * MIB);
    }
    for (int i = DEPTH; i-- > 0;) {
        largest = sizes[i] > largest ? sizes[i] : largest;
        assert_near(mp_peak_end(&peaks[i], -1), before + largest * MIB);
    }
}

static void
an_interval_that_closes_before_an_older_one_opened_later_is_forgotten(void **state)
{
    (void)state;
    struct mp_peak first, second;
    int64_t before = rss();
    mp_peak_begin(&first, -1);
    spike(80 * MIB);
    mp_peak_begin(&second, -1);
    spike(40 * MIB);
    assert_near(mp_peak_end(&first, -1), before + 80 * MIB);
    assert_near(mp_peak_end(&second, -1), before + 40 * MIB);
}

static void next_ends_one_interval_and_begins_another(void **state)
{
    (void)state;
    struct mp_peak peak;
    int64_t before = rss();
    mp_peak_begin(&peak, -1);
    spike(60 * MIB);
    assert_near(mp_peak_next(&peak, -1), before + 60 * MIB);
    spike(20 * MIB);
    assert_near(mp_peak_next(&peak, -1), before + 20 * MIB);
    assert_near(mp_peak_end(&peak, -1), before);
}

static void memory_that_stays_is_seen_and_then_part_of_the_start(void **state)
{
    (void)state;
    struct mp_peak peak;
    int64_t before = rss();
    mp_peak_begin(&peak, -1);
    void *room = take_memory(50 * MIB);
    assert_near(mp_peak_next(&peak, -1), before + 50 * MIB);
    give_back(room, 50 * MIB);
    assert_near(mp_peak_next(&peak, -1), before + 50 * MIB);
    assert_near(mp_peak_end(&peak, -1), before);
}

static void intervals_without_spikes_reset_nothing(void **state)
{
    (void)state;
    struct mp_peak peak;
    mp_peak_begin(&peak, -1);
    uint64_t resets = mp_peak_resets();
    for (int i = 0; i < 1000; i++)
        mp_peak_next(&peak, -1);
    mp_peak_end(&peak, -1);
    assert_int_equal(mp_peak_resets(), resets);
}

static void *churn(void *turns)
{
    for (int i = 0; i < *(int *)turns; i++) {
        struct mp_peak peak;
        mp_peak_begin(&peak, -1);
        spike(MIB);
        if (mp_peak_end(&peak, -1) < MIB)
            return turns;
    }
    return NULL;
}

static void an_interval_survives_the_resets_of_other_threads(void **state)
{
    (void)state;
    int turns = 300;
    void *failed;
    pthread_t threads[4];
    struct mp_peak peak;
    int64_t before = rss();
    mp_peak_begin(&peak, -1);
    spike(100 * MIB);
    for (int i = 0; i < 4; i++)
        assert_false(pthread_create(&threads[i], NULL, churn, &turns));
    for (int i = 0; i < 4; i++) {
        assert_false(pthread_join(threads[i], &failed));
        assert_null(failed);
    }
    int64_t bytes = mp_peak_end(&peak, -1);
    if (!IS_FOR_RACES)
        assert_in_range(bytes, before + 98 * MIB, before + 106 * MIB);
}

/* Runs in a child; its exit code says what failed. */
static int finish(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool is_near(int64_t bytes, int64_t expected)
{
    return bytes > expected - 2 * MIB && bytes < expected + 2 * MIB;
}

static int spike_is_seen(void)
{
    struct mp_peak peak;
    spike(120 * MIB);
    int64_t before = rss();
    mp_peak_begin(&peak, -1);
    if (!is_near(mp_peak_read(&peak, -1), before))
        return 1;
    spike(40 * MIB);
    return is_near(mp_peak_end(&peak, -1), before + 40 * MIB) ? 0 : 2;
}

static void a_forked_child_has_a_mark_of_its_own(void **state)
{
    (void)state;
    struct mp_peak peak;
    mp_peak_begin(&peak, -1);
    spike(200 * MIB);
    pid_t pid = fork();
    if (!pid)
        _exit(spike_is_seen());
    assert_int_equal(finish(pid), 0);
    assert_true(mp_peak_end(&peak, -1) > 200 * MIB);
}

/* faults 39 and 40 in small: ru_maxrss of the image before exec is 300 MiB too high. */
static void the_mark_of_the_image_before_exec_is_not_believed(void **state)
{
    (void)state;
    void *room = take_memory(300 * MIB);
    pid_t pid = fork();
    if (!pid) {
        execl(program, program, "after-exec", NULL);
        _exit(127);
    }
    assert_int_equal(finish(pid), 0);
    give_back(room, 300 * MIB);
}

/* The same, the image's own mark standing above the older one's when the owner first looks. */
static void a_high_mark_does_not_hide_the_older_images(void **state)
{
    (void)state;
    void *room = take_memory(100 * MIB);
    pid_t pid = fork();
    if (!pid) {
        execl(program, program, "after-exec", NULL);
        _exit(127);
    }
    assert_int_equal(finish(pid), 0);
    give_back(room, 100 * MIB);
}

/* The resets that two spikes take when `mprof run` says FLAGS to the process PID (0: to this). */
static int resets_under_notice(pid_t pid, const char *flags)
{
    char notice[128];
    struct mp_peak peak;
    snprintf(notice, sizeof notice, "1:%d:%s:0:/run.dat", (int)(pid ? pid : getpid()),
             flags);
    setenv("MPROF_RUN", notice, 1);
    uint64_t before = mp_peak_resets();
    spike(50 * MIB);
    int64_t start = rss();
    mp_peak_begin(&peak, -1);
    bool quiet = is_near(mp_peak_read(&peak, -1), start);
    spike(90 * MIB);
    bool seen = is_near(mp_peak_end(&peak, -1), start + 90 * MIB);
    return quiet && seen ? (int)(mp_peak_resets() - before) : 99;
}

static int resets_in_child(pid_t pid, const char *flags)
{
    pid_t child = fork();
    if (!child)
        _exit(resets_under_notice(pid, flags));
    return finish(child);
}

static void a_mark_that_the_sampler_owns_is_never_reset(void **state)
{
    (void)state;
    assert_int_equal(resets_in_child(0, "p"), 0);
    assert_int_equal(resets_in_child(1, "pc"), 0);
}

static void a_sampler_that_resets_nothing_or_watches_another_owns_nothing(void **state)
{
    (void)state;
    assert_int_equal(resets_in_child(0, ""), 1);
    assert_int_equal(resets_in_child(1, "p"), 1);
}

int main(int count, char **arguments)
{
    if (count > 1 && !strcmp(arguments[1], "after-exec"))
        return spike_is_seen();
    program = arguments[0];
    const struct CMUnitTest among_threads[] = {
        cmocka_unit_test(an_interval_survives_the_resets_of_other_threads),
    };
    if (IS_FOR_RACES)
        return cmocka_run_group_tests(among_threads, NULL, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spike_inside_an_interval_is_its_peak),
        cmocka_unit_test(an_interval_does_not_see_a_spike_before_it),
        cmocka_unit_test(an_outer_interval_keeps_the_spike_that_an_inner_one_erased),
        cmocka_unit_test(each_of_many_nested_intervals_sees_the_spikes_since_it_opened),
        cmocka_unit_test(
            an_interval_that_closes_before_an_older_one_opened_later_is_forgotten),
        cmocka_unit_test(next_ends_one_interval_and_begins_another),
        cmocka_unit_test(memory_that_stays_is_seen_and_then_part_of_the_start),
        cmocka_unit_test(intervals_without_spikes_reset_nothing),
        cmocka_unit_test(an_interval_survives_the_resets_of_other_threads),
        cmocka_unit_test(a_forked_child_has_a_mark_of_its_own),
        cmocka_unit_test(the_mark_of_the_image_before_exec_is_not_believed),
        cmocka_unit_test(a_high_mark_does_not_hide_the_older_images),
        cmocka_unit_test(a_mark_that_the_sampler_owns_is_never_reset),
        cmocka_unit_test(a_sampler_that_resets_nothing_or_watches_another_owns_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
