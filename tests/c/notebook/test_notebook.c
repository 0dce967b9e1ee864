#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "report/notebook/notebook.h"
#include "report/timeline/svg.h"

static char page[1 << 16];

static FILE *paper(void)
{
    memset(page, 0, sizeof page);
    FILE *out = fmemopen(page, sizeof page, "w");
    assert_non_null(out);
    return out;
}

static int occurrences(const char *text, const char *what)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, what)); at++)
        count++;
    return count;
}

static struct mp_series series_of(const int64_t *bytes, size_t count)
{
    struct mp_series series = {0};
    for (size_t i = 0; i < count; i++)
        assert_int_equal(mp_series_add(&series, (int64_t)i * MP_SECOND, bytes[i]), 0);
    return series;
}

static void a_spike_of_one_sample_among_many_is_drawn(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    int64_t *bytes = calloc(COUNT, sizeof *bytes);
    bytes[77777] = 100 * MIB;
    struct mp_series series = series_of(bytes, COUNT);
    FILE *out = paper();
    struct mp_svg_options options = {.high = 100 * MIB, .peak = -1, .title = "t"};
    assert_int_equal(mp_svg_series(out, &series, &options), 0);
    fclose(out);
    assert_int_equal(occurrences(page, "L497.8 3.0"), 2); /* in the area and in the curve */
    free(series.points);
    free(bytes);
}

static void a_gap_is_not_bridged(void **state)
{
    (void)state;
    struct mp_series series = {0};
    for (int i = 0; i < 10; i++)
        assert_int_equal(mp_series_add(&series, (i + 100 * (i > 4)) * MP_SECOND, MIB), 0);
    FILE *out = paper();
    struct mp_svg_options options = {.high = MIB, .peak = -1, .title = "t"};
    options.gap = 50 * MP_SECOND;
    assert_int_equal(mp_svg_series(out, &series, &options), 0);
    fclose(out);
    assert_int_equal(occurrences(page, "Z"), 2);
    free(series.points);
}

static void faults_79_a_peak_between_samples_is_drawn_at_its_time(void **state)
{
    (void)state;
    int64_t bytes[] = {10 * MIB, 20 * MIB, 20 * MIB};
    struct mp_series series = series_of(bytes, 3);
    struct mp_svg_options options = {.high = 40 * MIB, .peak = 40 * MIB, .title = "t"};
    options.peak_time = series.points[1].time;
    FILE *out = paper();
    assert_int_equal(mp_svg_series(out, &series, &options), 0);
    fclose(out);
    assert_int_equal(occurrences(page, "d='M320.0 80.0V3.0'"), 1);
    options.peak_time = -1;
    out = paper();
    assert_int_equal(mp_svg_series(out, &series, &options), 0);
    fclose(out);
    assert_int_equal(occurrences(page, "V3.0"), 0);
    free(series.points);
}

static void the_words_tell_peak_start_and_end(void **state)
{
    (void)state;
    int64_t bytes[] = {10 * MIB, 40 * MIB, 20 * MIB};
    struct mp_notebook_series what = {
        .series = series_of(bytes, 3), .peak = 64 * MIB, .interval = MP_SECOND, .late = 2};
    FILE *out = paper();
    mp_notebook_words(out, &what);
    fclose(out);
    assert_string_equal(page,
                        "peak 64.0 MiB, 54.0 MiB over the start; started at 10.0 MiB, "
                        "ended at 20.0 MiB, highest sample 40.0 MiB after 1.00 s; "
                        "2.00 s, 3 samples, 2 late");
    free(what.series.points);
}

static void the_picture_cannot_leave_its_attribute(void **state)
{
    (void)state;
    int64_t bytes[] = {10 * MIB, 40 * MIB};
    struct mp_notebook_series what = {.series = series_of(bytes, 2), .interval = MP_SECOND};
    FILE *out = paper();
    assert_int_equal(mp_notebook_series(out, &what), 0);
    fclose(out);
    char *source = strstr(page, "src=\"data:image/svg+xml,");
    assert_non_null(source);
    source += strlen("src=\"");
    source[strcspn(source, "\"")] = 0;
    assert_true(strlen(source) > 200);
    assert_null(strpbrk(source, "<>#&"));
    assert_non_null(strstr(source, "%3C/svg%3E"));
    free(what.series.points);
}

static void names_and_lines_are_text(void **state)
{
    (void)state;
    char bad[] = "</td><script>\"'&";
    struct mp_text text = {bad, sizeof bad - 1};
    struct mp_line row = {.memory = MIB, .increment = MIB, .peak = MIB, .occurrences = 1};
    struct mp_function function = {
        .filename = text,
        .name = text,
        .table = {.first = 1, .count = 1, .entry = 7, .rows = &row},
        .lines = &text,
    };
    FILE *out = paper();
    mp_notebook_lines(out, &function, 1, &(struct mp_notebook_options){1, true, true});
    fclose(out);
    assert_null(strstr(page, "<script"));
    assert_int_equal(occurrences(page, "&lt;script&gt;"), 3);
    assert_int_equal(occurrences(page, "added most"), 2);
    assert_int_equal(occurrences(page, "Heap peak"), 1);
    assert_int_equal(occurrences(page, "0   B"), 4);
}

static void a_run_that_shrank_has_a_shrinking_bar(void **state)
{
    (void)state;
    int64_t peaks[] = {30 * MIB, 5 * MIB};
    FILE *out = paper();
    mp_notebook_runs(out, &(struct mp_notebook_runs){10 * MIB, peaks, 2});
    fclose(out);
    assert_non_null(strstr(page, "peak memory: 30.00 MiB</strong>, increment: 20.00 MiB"));
    assert_non_null(strstr(page, "-5.00 MiB<div style=\"height:3px;width:25.0%"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spike_of_one_sample_among_many_is_drawn),
        cmocka_unit_test(a_gap_is_not_bridged),
        cmocka_unit_test(faults_79_a_peak_between_samples_is_drawn_at_its_time),
        cmocka_unit_test(the_words_tell_peak_start_and_end),
        cmocka_unit_test(the_picture_cannot_leave_its_attribute),
        cmocka_unit_test(names_and_lines_are_text),
        cmocka_unit_test(a_run_that_shrank_has_a_shrinking_bar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
