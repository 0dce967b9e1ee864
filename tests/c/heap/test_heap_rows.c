/* A capture's figures in rows: however they are grouped, they sum to the same. */
#include "stacks.h"

#include "aggregate/heap/rows.h"
#include "report/heap/table.h"

static struct mp_heap_view view;

static struct mp_heap_rows rows_by(enum mp_heap_grouping group)
{
    struct mp_heap_lines lines;
    struct mp_heap_rows rows;
    view = mp_heap_view_of(&stacks_file.heap);
    assert_int_equal(mp_heap_lines_init(&lines, &view, NULL), 0);
    assert_int_equal(mp_heap_rows_init(&rows, &view, &lines, group), 0);
    mp_heap_rows_sort(&rows, MP_HEAP_LIVE);
    return rows;
}

static void assert_module(const char *file, const char *module)
{
    view = mp_heap_view_of(&stacks_file.heap);
    uint32_t code = stacks_code(file, "f");
    struct mp_heap_text found = mp_heap_module(&view, view.codes[code].file);
    assert_int_equal(found.length, strlen(module));
    assert_memory_equal(view.text + found.offset, module, found.length);
}

static void rows_of_every_kind_sum_to_the_whole(void **state)
{
    (void)state;
    stacks_start();
    uint32_t other = stacks_code("other.py", "work"),
             again = stacks_code("other.py", "more");
    stacks_add(0, 1, 0, 1);
    stacks_add(0, 1, 2, 2);
    stacks_add(0, other, 0, 4);
    stacks_add(0, again, 0, 8);
    stacks_add(0, again, 1, 16);
    const size_t counts[] = {4, 0, 3, 2, 2};
    const int64_t largest[] = {24, 0, 24, 28, 28};
    for (int group = MP_HEAP_EACH_LINE; group <= MP_HEAP_EACH_MODULE; group++) {
        struct mp_heap_rows rows = rows_by((enum mp_heap_grouping)group);
        assert_int_equal(rows.count, counts[group]);
        assert_int_equal(rows.whole.live, 31);
        if (group == MP_HEAP_EACH_YOUR_LINE) { /* nobody said whose they are */
            assert_int_equal(rows.elsewhere.live, 31);
            mp_heap_rows_release(&rows);
            continue;
        }
        assert_int_equal(rows.rows[0].live, largest[group]);
        assert_int_equal(mp_heap_rows_rest(&rows, 0).live, 31);
        assert_int_equal(mp_heap_rows_rest(&rows, 1).live, 31 - largest[group]);
        mp_heap_rows_release(&rows);
    }
    stacks_end();
}

static void two_definitions_of_a_line_are_one_row(void **state)
{
    (void)state;
    stacks_start();
    stacks_add(0, 1, 0, 1);
    stacks_add(0, 2, 0, 2);
    struct mp_heap_rows rows = rows_by(MP_HEAP_EACH_LINE);
    assert_int_equal(rows.count, 1);
    assert_int_equal(rows.rows[0].line, 10);
    assert_int_equal(rows.rows[0].live, 3);
    mp_heap_rows_release(&rows);
    stacks_end();
}

static void a_rows_total_counts_a_block_once_however_many_of_its_lines_called(void **state)
{
    (void)state;
    stacks_start();
    uint32_t other = stacks_code("other.py", "work");
    stacks_add(stacks_add(stacks_add(0, 1, 0, 1), 2, 2, 2), other, 0, 4);
    for (int group = MP_HEAP_EACH_LINE; group <= MP_HEAP_EACH_MODULE; group++) {
        if (group == MP_HEAP_EACH_YOUR_LINE)
            continue;
        struct mp_heap_rows rows = rows_by((enum mp_heap_grouping)group);
        int64_t most = 0;
        for (size_t i = 0; i < rows.count; i++)
            if (rows.rows[i].cumulative.live > most)
                most = rows.rows[i].cumulative.live;
        assert_int_equal(most, 7);
        assert_int_equal(rows.rows[0].live, 4); /* other.py's */
        assert_int_equal(rows.rows[0].cumulative.live, 4);
        mp_heap_rows_release(&rows);
    }
    stacks_end();
}

static void functions_of_one_name_are_told_apart_by_their_line(void **state)
{
    (void)state;
    stacks_start();
    stacks_file.heap.codes[2].first_line = 90;
    stacks_add(0, 1, 0, 1);
    stacks_add(0, 2, 0, 2);
    struct mp_heap_rows rows = rows_by(MP_HEAP_EACH_FUNCTION);
    assert_int_equal(rows.count, 2);
    mp_heap_rows_release(&rows);
    stacks_end();
}

static void an_installed_file_belongs_to_its_top_module(void **state)
{
    (void)state;
    stacks_start();
    assert_module("/usr/lib/python3.12/json/decoder.py", "json");
    assert_module("/usr/lib/python3.12/ast.py", "ast");
    assert_module("/v/lib/python3.12/site-packages/numpy/core/x.py", "numpy");
    assert_module("/usr/lib/python3/dist-packages/six.py", "six");
    assert_module("<frozen importlib._bootstrap>", "importlib");
    assert_module("/home/me/lib/python3.txt/a.py", "/home/me/lib/python3.txt/a.py");
    assert_module("work.py", "work.py");
    assert_module("<string>", "<string>");
    assert_module("", "");
    stacks_end();
}

static void a_row_of_mappings_alone_has_no_count_in_text_and_none_in_csv(void **state)
{
    (void)state;
    stacks_start();
    stacks_file.heap.nodes[stacks_add(0, 1, 0, 1 << 20)].blocks = 0;
    stacks_add(0, 1, 2, 8);
    struct mp_heap_rows rows = rows_by(MP_HEAP_EACH_LINE);
    struct mp_heap_style style = {0};
    struct mp_heap_table_options options = {.most = 1, .style = &style};
    char text[2000] = "";
    for (options.form = MP_HEAP_TABLE_TEXT; options.form <= MP_HEAP_TABLE_CSV;
         options.form++) {
        FILE *out = fmemopen(text, sizeof text, "w");
        mp_heap_table_print(out, &rows, &options);
        fclose(out);
        bool is_text = options.form == MP_HEAP_TABLE_TEXT;
        assert_non_null(strstr(text, is_text ? "MiB            -          -  work.py:10"
                                             : ",2097152,0,0,,0,1048576,2097152\n"));
        assert_true(!is_text || strstr(text, " B            2          0  (1 more)"));
    }
    mp_heap_rows_release(&rows);
    stacks_end();
}

static void the_error_of_what_a_damaged_file_says_is_a_number(void **state)
{
    (void)state;
    static struct mp_heap_header header = {.sample = UINT64_MAX};
    assert_true(mp_heap_error(&header, INT64_MAX) > 0);
    header.sample = 1 << 20;
    assert_int_equal(mp_heap_error(&header, 1 << 24), 1 << 22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_every_kind_sum_to_the_whole),
        cmocka_unit_test(two_definitions_of_a_line_are_one_row),
        cmocka_unit_test(a_rows_total_counts_a_block_once_however_many_of_its_lines_called),
        cmocka_unit_test(functions_of_one_name_are_told_apart_by_their_line),
        cmocka_unit_test(an_installed_file_belongs_to_its_top_module),
        cmocka_unit_test(a_row_of_mappings_alone_has_no_count_in_text_and_none_in_csv),
        cmocka_unit_test(the_error_of_what_a_damaged_file_says_is_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
