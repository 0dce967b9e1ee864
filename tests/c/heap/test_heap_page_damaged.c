/* The tables and the page of heap captures that are not whole: nothing is read outside of them. */
#include "heap_damage.h"

#include "report/heap/page_json.h"
#include "report/heap/table.h"

static const char *line_of(void *context, const struct mp_heap_view *view,
                           struct mp_heap_text file, int line, size_t *length)
{
    (void)context, (void)view, (void)file;
    *length = 5;
    return line % 2 ? "x = 1" : NULL;
}

static void put_tables(FILE *out, const struct mp_heap_rows *rows,
                       const struct mp_heap_paths *paths)
{
    struct mp_heap_style style = {.width = 80, .paths = paths};
    struct mp_heap_table_options options = {.most = 4, .style = &style};
    for (options.form = 0; options.form <= MP_HEAP_TABLE_JSON; options.form++)
        mp_heap_table_print(out, rows, &options);
}

static void put_page(FILE *out, const struct mp_heap_capture *capture,
                     const struct mp_heap_rows *rows,
                     const struct mp_heap_your_lines *yours,
                     const struct mp_heap_paths *paths)
{
    struct mp_flame flames[2];
    struct mp_flame_moments moments[2];
    struct mp_flame_types types[2];
    struct mp_heap_censuses censuses;
    struct mp_heap_instant instants[MP_HEAP_INSTANTS];
    struct mp_flame_options how = {.least = 0.001,
                                   .most = 1000,
                                   .depth = 100,
                                   .fold = capture->view.header->pid % 2 * 2};
    struct mp_heap_page page = {.name = "a.mprof",
                                .incomplete = capture->incomplete,
                                .graphs = {&flames[0], &flames[1]},
                                .graph_count = 2,
                                .moments = {&moments[0], &moments[1]},
                                .instants = instants,
                                .instant_count = mp_heap_instants(&capture->view, instants),
                                .rows = rows,
                                .yours = yours,
                                .paths = paths,
                                .most = 4,
                                .source = line_of};
    page.known = page.instant_count;
    page.censuses = &censuses;
    assert_int_equal(
        mp_heap_censuses_init(&censuses, &capture->view, page.instants, page.known), 0);
    for (size_t i = 0; i < 2; i++) {
        how.inverted = i;
        how.placed = true;
        assert_int_equal(mp_flame_init(&flames[i], &capture->view, &how), 0);
        assert_int_equal(mp_flame_moments_init(&moments[i], &capture->view, &flames[i],
                                               page.instants, page.instant_count),
                         0);
        page.typed[i] = &types[i];
        assert_int_equal(mp_flame_types_init(&types[i], &censuses, &flames[i]), 0);
    }
    assert_int_equal(mp_heap_page_json(out, &page), 0);
    mp_flame_types_release(&types[0]);
    mp_flame_types_release(&types[1]);
    mp_heap_censuses_release(&censuses);
    mp_flame_moments_release(&moments[0]);
    mp_flame_moments_release(&moments[1]);
    mp_flame_release(&flames[0]);
    mp_flame_release(&flames[1]);
}

static void put_group(FILE *out, const struct mp_heap_capture *capture,
                      enum mp_heap_grouping group)
{
    const struct mp_heap_view *view = &capture->view;
    struct mp_heap_own own;
    struct mp_heap_lines lines;
    struct mp_heap_your_lines yours;
    struct mp_heap_rows rows;
    struct mp_heap_paths paths;
    assert_int_equal(mp_heap_own_init(&own, view), 0);
    own.together = true;
    assert_int_equal(mp_heap_paths_init(&paths, view, "/home/me"), 0);
    assert_int_equal(mp_heap_lines_init(&lines, view, &own), 0);
    assert_int_equal(mp_heap_your_lines_init(&yours, view, &lines), 0);
    assert_int_equal(mp_heap_rows_init(&rows, view, &lines, group), 0);
    mp_heap_rows_sort(&rows, MP_HEAP_SHARE);
    put_tables(out, &rows, &paths);
    if (group == MP_HEAP_EACH_LINE)
        put_page(out, capture, &rows, &yours, &paths);
    mp_heap_your_lines_release(&yours);
    mp_heap_rows_release(&rows);
    mp_heap_paths_release(&paths);
    mp_heap_own_release(&own);
}

static void put_all(const struct mp_heap_capture *capture)
{
    FILE *out = fopen("/dev/null", "w");
    for (enum mp_heap_grouping group = 0; group <= MP_HEAP_EACH_MODULE; group++)
        put_group(out, capture, group);
    fclose(out);
}

static void faults_18_no_mutation_of_a_file_harms_the_tables_and_the_page(void **state)
{
    (void)state;
    damage_each(put_all);
}

static void faults_17_no_cut_of_a_file_harms_the_tables_and_the_page(void **state)
{
    (void)state;
    damage_cut(put_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_18_no_mutation_of_a_file_harms_the_tables_and_the_page),
        cmocka_unit_test(faults_17_no_cut_of_a_file_harms_the_tables_and_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
