/* What pictures are drawn from: no extreme is lost, labels tell names apart. */
#include "unit.h"

#include <stdlib.h>

#include "aggregate/timeline/decimate.h"
#include "aggregate/timeline/figure.h"
#include "aggregate/timeline/labels.h"
#include "aggregate/timeline/peak.h"
#include "store/dat/read.h"

enum { MANY = 1000000, WHERE = 654321 };

static struct mp_series noise(void)
{
    struct mp_series series = {0};
    srandom(1);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(
            mp_series_add(&series, i * INT64_C(1000), (20 + random() % 10) * MIB), 0);
    return series;
}

static bool has(const struct mp_series *series, int64_t bytes)
{
    for (size_t i = 0; i < series->count; i++)
        if (series->points[i].bytes == bytes)
            return true;
    return false;
}

static void one_sample_among_a_million_survives(void **state)
{
    (void)state;
    struct mp_series series = noise();
    series.points[WHERE].bytes = 500 * MIB;
    series.points[WHERE + 1].bytes = 1 * MIB;
    for (size_t buckets = 1; buckets < 5000; buckets = buckets * 3 + 1) {
        struct mp_series out = {0};
        assert_int_equal(mp_decimate(&series, 0, MANY * INT64_C(1000), buckets, 0, &out),
                         0);
        assert_true(out.count <= 4 * buckets);
        assert_true(has(&out, 500 * MIB) && has(&out, 1 * MIB));
        for (size_t i = 1; i < out.count; i++)
            assert_true(out.points[i - 1].time < out.points[i].time);
        assert_int_equal(out.points[0].time, 0);
        assert_int_equal(out.points[out.count - 1].time, (MANY - 1) * INT64_C(1000));
        free(out.points);
    }
    int64_t high[80], low[80];
    mp_decimate_columns(&series, 0, MANY * INT64_C(1000), 80, low, high);
    assert_int_equal(high[WHERE / (MANY / 80)], 500 * MIB);
    assert_int_equal(low[WHERE / (MANY / 80)], 1 * MIB);
    free(series.points);
}

static void faults_56_a_gap_is_shown_as_one(void **state)
{
    (void)state;
    struct mp_series series = {0}, out = {0};
    for (int i = 0; i < 10; i++)
        mp_series_add(&series, (i + (i > 4) * 100) * MP_SECOND, MIB);
    mp_decimate(&series, 0, 200 * MP_SECOND, 100, 5 * MP_SECOND, &out);
    assert_int_equal(out.count, 11);
    assert_int_equal(out.points[5].bytes, MP_NO_DATA);
    free(series.points);
    free(out.points);
}

static struct mp_series samples_of(const int64_t (*samples)[2], size_t count)
{
    struct mp_series series = {0};
    for (size_t i = 0; i < count; i++)
        mp_series_add(&series, samples[i][0], samples[i][1]);
    return series;
}

static void faults_56_a_gap_is_known_without_the_interval(void **state)
{
    (void)state;
    struct mp_series series = {0};
    for (int i = 0; i < 20; i++)
        mp_series_add(&series, (i + (i > 9) * 7) * MP_SECOND, MIB);
    assert_int_equal(mp_gap_of(&series, 0), 5 * MP_SECOND);
    assert_int_equal(mp_gap_of(&series, 2 * MP_SECOND), 10 * MP_SECOND);
    assert_int_equal(mp_gap_of(&series, INT64_MAX), 0);
    series.count = 3; /* too few to say what is usual */
    assert_int_equal(mp_gap_of(&series, 0), 0);
    assert_int_equal(mp_gap_of(&series, 1), MP_SECOND / 5);
    free(series.points);
}

static void assert_points(const struct mp_series *series, const int64_t (*wanted)[2],
                          size_t count)
{
    assert_int_equal(series->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(series->points[i].time, wanted[i][0]);
        assert_int_equal(series->points[i].bytes, wanted[i][1]);
    }
}

static void faults_79_what_stands_is_a_step_and_no_slope(void **state)
{
    (void)state;
    static const int64_t points[][2] = {{0, 5}, {10, 90}, {10, 4}, {800, 7}},
                         wanted[][2] = {{0, 5},  {10, 5},  {10, 90},
                                        {10, 4}, {800, 4}, {800, 7}},
                         idle[][2] = {{100, 4}, {300, 4}},
                         from_peak[][2] = {{10, 90}, {10, 4}, {20, 4}};
    struct mp_series series = samples_of(points, 4), out = {0};
    assert_int_equal(mp_clip_standing(&series, 100, 300, &out), 0);
    assert_points(&out, idle, 2); /* nothing changed there, and that is what is shown */
    out.count = 0;
    assert_int_equal(mp_clip_standing(&series, 10, 20, &out), 0);
    assert_points(&out, from_peak, 3);
    out.count = 0;
    assert_int_equal(mp_clip_standing(&series, -9, -1, &out), 0);
    assert_int_equal(out.count, 0);
    assert_int_equal(mp_put_corners(&series), 0);
    assert_points(&series, wanted, 6);
    free(series.points);
    free(out.points);
}

static void labels_are_the_shortest_ends_that_differ(void **state)
{
    (void)state;
    static const char *const given[] = {"a.b.f", "a.c.f", "g",
                                        "x.g",   "m.h",   ".a label v1.0"};
    static const char *const wanted[] = {"b.f", "c.f", "g", "x.g", "h", "a label v1.0"};
    struct mp_names names = {0};
    for (int i = 0; i < 6; i++)
        assert_int_equal(mp_names_index(&names, given[i], strlen(given[i])), i);
    char **labels = mp_labels_make(&names);
    for (int i = 0; i < 6; i++) {
        assert_string_equal(labels[i], wanted[i]);
        free(labels[i]);
    }
    free(labels);
    mp_names_release(&names);
}

static void parse(struct mp_timeline *timeline, const char *text)
{
    assert_int_equal(mp_dat_parse(timeline, text, strlen(text)), MP_DAT_OK);
}

static void peaks_count_the_marks_of_the_program_not_of_its_children(void **state)
{
    (void)state;
    struct mp_timeline timeline;
    parse(&timeline, "MPROF 1 pid=7 interval=0.1 metric=rss children=0\nMEM 10.0 1.0\n"
                     "PEAK 7 50.0 1.0 1.1\nPEAK 8 90.0 1.0 1.1\nCHLD 8 5.0 1.0\n");
    assert_int_equal(mp_peak_total(&timeline), 50 * MIB);
    assert_int_equal(mp_peak_track(&timeline, &timeline.tracks[0]), 90 * MIB);
    mp_timeline_release(&timeline);
}

static void a_tree_holds_what_any_member_holds_and_no_more_than_all(void **state)
{
    (void)state;
    struct mp_timeline timeline;
    parse(&timeline, "MPROF 1 pid=7 interval=0.1 metric=rss children=1\nMEM 10.0 1.0\n"
                     "PEAK 8 90.0 1.0 1.1\nBOUND 120.0 1.0 1.1\n");
    assert_int_equal(mp_peak_total(&timeline), 90 * MIB);
    assert_int_equal(mp_peak_bound(&timeline), 120 * MIB);
    mp_timeline_release(&timeline);
}

static void a_figure_shows_the_peak_that_peak_prints(void **state)
{
    (void)state;
    struct mp_timeline timeline;
    struct mp_figure_run run;
    struct mp_figure_options options = {
        .to = -1, .functions = true, .children = true, .buckets = 50, .calls = 2};
    parse(&timeline, "MPROF 1 pid=7 interval=0.1 metric=rss children=0\nMEM 10.0 1.0\n"
                     "MEM 10.0 1.1\nPEAK 7 50.0 1.0 1.1\n"
                     "FUNC m.f 1.0 1.0 60.0 1.2 0\nFUNC m.f 1.0 1.0 1.0 1.01 0\n"
                     "FUNC m.g 1.0 1.0 1.0 1.3 0\n");
    assert_int_equal(mp_figure_run_init(&run, "x.dat", &timeline, &options), 0);
    assert_int_equal(run.curve.peak, mp_peak_total(&timeline));
    assert_int_equal(run.curve.peak, 60 * MIB);
    assert_int_equal(run.marks.count, 1);
    assert_int_equal(run.span_count, 2);
    assert_int_equal(run.spans_left_out, 1);
    mp_figure_run_release(&run);
    mp_timeline_release(&timeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_sample_among_a_million_survives),
        cmocka_unit_test(faults_56_a_gap_is_shown_as_one),
        cmocka_unit_test(faults_56_a_gap_is_known_without_the_interval),
        cmocka_unit_test(faults_79_what_stands_is_a_step_and_no_slope),
        cmocka_unit_test(labels_are_the_shortest_ends_that_differ),
        cmocka_unit_test(peaks_count_the_marks_of_the_program_not_of_its_children),
        cmocka_unit_test(a_tree_holds_what_any_member_holds_and_no_more_than_all),
        cmocka_unit_test(a_figure_shows_the_peak_that_peak_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
