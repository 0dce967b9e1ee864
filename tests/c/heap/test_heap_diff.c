/* What is the same in two captures: lines that moved, files in other folders, sums that grew. */
#include "stacks.h"

#include "aggregate/heap/align.h"
#include "aggregate/heap/diff.h"
#include "record/location.h"
#include "report/heap/diff.h"

static void assert_pairs(const char *a, const char *b, const char *wanted)
{
    uint64_t left[64], right[64];
    uint32_t pairs[64];
    struct mp_align align = {0};
    for (size_t i = 0; a[i]; i++)
        left[i] = (uint64_t)a[i];
    for (size_t i = 0; b[i]; i++)
        right[i] = (uint64_t)b[i];
    assert_int_equal(mp_align(&align, left, strlen(a), right, strlen(b), pairs), 0);
    for (size_t i = 0; a[i]; i++)
        assert_int_equal(pairs[i] ? '0' + pairs[i] - 1 : '-', wanted[i]);
    mp_align_release(&align);
}

static void sequences_are_paired_by_what_they_have_in_common(void **state)
{
    (void)state;
    assert_pairs("abc", "abc", "012");
    assert_pairs("abc", "xxabc", "234");
    assert_pairs("abcd", "axbcyd", "0235");
    assert_pairs("abcd", "ad", "0--1");
    assert_pairs("", "ab", "");
    assert_pairs("ab", "", "--");
    assert_pairs("xaybz", "ab", "-0-1-");
}

static void one_replaced_by_one_is_the_same_and_one_by_two_is_not(void **state)
{
    (void)state;
    assert_pairs("abc", "aXc", "012");
    assert_pairs("abc", "aXYc", "0-3");
    assert_pairs("a", "b", "0");
    assert_pairs("abXc", "YabZc", "1234");
}

static void sequences_too_long_to_compare_are_paired_at_their_ends(void **state)
{
    (void)state;
    enum { COUNT = 6000 };
    static uint64_t a[COUNT], b[COUNT];
    static uint32_t pairs[COUNT];
    struct mp_align align = {0};
    for (size_t i = 0; i < COUNT; i++) {
        a[i] = i;
        b[i] = i < 10 || i >= COUNT - 10 ? i : COUNT + i;
    }
    assert_int_equal(mp_align(&align, a, COUNT, b, COUNT, pairs), 0);
    assert_int_equal(pairs[9], 10);
    assert_int_equal(pairs[10], 0);
    assert_int_equal(pairs[COUNT - 10], COUNT - 9);
    mp_align_release(&align);
}

/* Entries of one line each, in their short form: the columns say which line it is. */
static size_t table_of(char *table, const char *lines)
{
    size_t length = 0;
    for (; *lines; lines++) {
        table[length++] = (char)(0x80 | 11 << 3); /* one unit, on the next line */
        table[length++] = (char)(*lines & 127);
        table[length++] = (char)(*lines & 127);
    }
    return length;
}

static void a_lines_shape_is_that_of_its_instructions_wherever_it_is(void **state)
{
    (void)state;
    char table[64];
    struct mp_location_shape before[64], after[64];
    size_t length = table_of(table, "abc");
    assert_int_equal(mp_location_shapes(before, 64, table, length, 9), 3);
    length = table_of(table, "axbc");
    assert_int_equal(mp_location_shapes(after, 64, table, length, 90), 4);
    assert_int_equal(before[0].line, 10);
    assert_int_equal(after[2].line, 93);
    assert_true(before[0].shape == after[0].shape && before[2].shape == after[3].shape);
    assert_true(before[1].shape == after[2].shape && before[1].shape != after[1].shape);
}

/* A definition that ends on a later line: where it ends is what it holds, not what it is. */
static void a_shape_does_not_say_how_long_the_block_below_is(void **state)
{
    (void)state;
    static const char short_one[] = {(char)(0x80 | 14 << 3), 2, 3, 1, 20};
    static const char long_one[] = {(char)(0x80 | 14 << 3), 2, 9, 1, 33};
    static const char other[] = {(char)(0x80 | 14 << 3), 2, 9, 5, 33};
    struct mp_location_shape shapes[3][8];
    assert_int_equal(mp_location_shapes(shapes[0], 8, short_one, 5, 1), 1);
    assert_int_equal(mp_location_shapes(shapes[1], 8, long_one, 5, 1), 1);
    assert_int_equal(mp_location_shapes(shapes[2], 8, other, 5, 1), 1);
    assert_true(shapes[0][0].shape == shapes[1][0].shape);
    assert_true(shapes[0][0].shape != shapes[2][0].shape);
}

/* Two captures by hand; the second is made in stacks_file, the first is kept here. */
static struct mp_heap_file earlier;
static int lines[MP_HEAP_SIDES][32];
static struct mp_heap_view views[MP_HEAP_SIDES];
static struct mp_heap_side sides[MP_HEAP_SIDES];
static struct mp_heap_own own[MP_HEAP_SIDES];

static void next_capture(void)
{
    earlier = stacks_file;
    assert_int_equal(mp_heap_file_open(&stacks_file, -1, NULL, 0), 0);
}

static uint32_t function_with(const char *file, const char *name, const char *text,
                              int first_line)
{
    char table[64];
    uint32_t id = stacks_code(file, name);
    size_t length = table_of(table, text);
    stacks_file.heap.codes[id].lines = stacks_text(table, length);
    stacks_file.heap.codes[id].first_line = first_line;
    return id;
}

static void compare(struct mp_heap_diff *diff, enum mp_heap_diff_by by,
                    mp_heap_line_text *text)
{
    struct mp_heap *heaps[] = {&earlier.heap, &stacks_file.heap};
    for (int side = 0; side < MP_HEAP_SIDES; side++) {
        views[side] = mp_heap_view_of(heaps[side]);
        assert_int_equal(mp_heap_own_init(&own[side], &views[side]), 0);
        for (size_t i = 1; i < views[side].counts[MP_HEAP_NODES]; i++) {
            const struct mp_heap_node *node = &views[side].nodes[i];
            const struct mp_heap_code *code = &views[side].codes[node->code];
            lines[side][i] =
                mp_location_line(views[side].text + code->lines.offset, code->lines.length,
                                 code->first_line, mp_heap_instruction(node));
        }
        sides[side] = (struct mp_heap_side){&views[side], &own[side], lines[side], text,
                                            &views[side]};
    }
    assert_int_equal(mp_heap_diff_init(diff, sides, by, MP_HEAP_MEASURE_LIVE), 0);
}

static void end(struct mp_heap_diff *diff)
{
    mp_heap_diff_release(diff);
    for (int side = 0; side < MP_HEAP_SIDES; side++)
        mp_heap_own_release(&own[side]);
    mp_heap_file_release(&earlier);
    stacks_end();
}

static void a_line_that_moved_in_a_file_that_moved_is_one_row(void **state)
{
    (void)state;
    struct mp_heap_diff diff;
    assert_int_equal(mp_heap_file_open(&stacks_file, -1, NULL, 0), 0);
    uint32_t put = function_with("/ci/a/shop/cache.py", "put", "abc", 9);
    stacks_add(0, put, 1, 100);
    stacks_add(0, put, 2, 7);
    next_capture();
    put = function_with("/home/me/shop/cache.py", "put", "axbc", 39);
    stacks_add(0, put, 1, 5);
    stacks_add(0, put, 2, 300);
    stacks_add(0, put, 3, 7);
    compare(&diff, MP_HEAP_DIFF_LINE, NULL);
    assert_int_equal(diff.count, 3);
    assert_int_equal(diff.changes[0].growth, 200);
    assert_int_equal(diff.changes[0].line[MP_HEAP_BEFORE], 11);
    assert_int_equal(diff.changes[0].line[MP_HEAP_AFTER], 42);
    assert_int_equal(diff.changes[1].growth, 5);
    assert_string_equal(mp_heap_difference_mark(&diff.changes[1]), "new");
    assert_int_equal(diff.changes[2].growth, 0);
    assert_int_equal(diff.changes[2].line[MP_HEAP_AFTER], 43);
    assert_int_equal(diff.whole.growth, 205);
    end(&diff);
}

/* Texts of lines 10 to 12 before, 40 to 43 after: what the instructions look like is not asked. */
static const char *text_of(void *context, const struct mp_heap_view *view,
                           struct mp_heap_text file, int line, size_t *length)
{
    static const char *const before[] = {"one()", "two()", "three()"};
    static const char *const after[] = {"three()", "  one()", "if new:", "  two()"};
    (void)view;
    (void)file;
    bool earlier_one = context == &views[0];
    int first = earlier_one ? 10 : 40, count = earlier_one ? 3 : 4;
    if (line < first || line >= first + count)
        return NULL;
    const char *text = (earlier_one ? before : after)[line - first];
    *length = strlen(text);
    return text;
}

static void texts_decide_where_both_sides_have_them(void **state)
{
    (void)state;
    struct mp_heap_diff diff;
    assert_int_equal(mp_heap_file_open(&stacks_file, -1, NULL, 0), 0);
    stacks_add(0, function_with("a.py", "f", "abc", 9), 1, 100);
    next_capture();
    stacks_add(0, function_with("a.py", "f", "abcd", 39), 3, 150);
    compare(&diff, MP_HEAP_DIFF_LINE, text_of);
    assert_int_equal(diff.count, 1);
    assert_int_equal(diff.changes[0].line[MP_HEAP_BEFORE], 11);
    assert_int_equal(diff.changes[0].line[MP_HEAP_AFTER], 43);
    assert_int_equal(diff.changes[0].growth, 50);
    end(&diff);
}

static void rows_of_every_kind_sum_to_the_whole(void **state)
{
    (void)state;
    for (int by = MP_HEAP_DIFF_LINE; by <= MP_HEAP_DIFF_MODULE; by++) {
        struct mp_heap_diff diff;
        stacks_start();
        stacks_add(stacks_add(0, 1, 0, 1), 2, 2, 2);
        stacks_add(0, stacks_code("/usr/lib/python3.12/json/a.py", "f"), 0, 64);
        stacks_add(0, 0, 0, 512);
        earlier = stacks_file;
        stacks_start();
        stacks_add(stacks_add(0, 1, 2, 4), 3, 0, 8);
        stacks_add(0, stacks_code("/v/lib/python3.13/json/b.py", "f"), 0, 32);
        compare(&diff, (enum mp_heap_diff_by)by, NULL);
        struct mp_heap_difference sum = mp_heap_diff_sum(&diff, 0, diff.count);
        assert_int_equal(sum.amount[MP_HEAP_BEFORE].bytes, 579);
        assert_int_equal(sum.amount[MP_HEAP_AFTER].bytes, 44);
        assert_int_equal(diff.whole.growth, 44 - 579);
        if (by == MP_HEAP_DIFF_MODULE) /* json, work.py, nowhere */
            assert_int_equal(diff.count, 3);
        end(&diff);
    }
}

static void growth_within_two_errors_is_not_called_growth(void **state)
{
    (void)state;
    struct mp_heap_diff diff;
    stacks_start();
    stacks_file.heap.header->sample = 1 << 10;
    stacks_add(0, 1, 0, 1 << 20);
    earlier = stacks_file;
    stacks_start();
    stacks_file.heap.header->sample = 1 << 10;
    stacks_add(0, 1, 0, (1 << 20) + (64 << 10));
    compare(&diff, MP_HEAP_DIFF_LINE, NULL);
    assert_int_equal(diff.changes[0].status, MP_HEAP_UNCHANGED); /* each error is 32 KiB */
    assert_int_equal(diff.grew + diff.shrank, 0);
    assert_true(diff.changes[0].error > 44 << 10 && diff.changes[0].error < 48 << 10);
    end(&diff);
}

static void files_of_one_name_in_several_folders_are_told_apart(void **state)
{
    (void)state;
    struct mp_heap_diff diff;
    static const char *const before[] = {"/a/x/util.py", "/a/y/util.py", "/a/only.py"};
    static const char *const after[] = {"/b/c/x/util.py", "/b/c/y/util.py", "/b/c/new.py"};
    stacks_start();
    for (int i = 0; i < 3; i++)
        stacks_add(0, stacks_code(before[i], "f"), 0, 1 << i);
    earlier = stacks_file;
    stacks_start();
    for (int i = 0; i < 3; i++)
        stacks_add(0, stacks_code(after[i], "f"), 0, 1 << i);
    compare(&diff, MP_HEAP_DIFF_FILE, NULL);
    assert_int_equal(diff.count, 4);
    assert_int_equal(diff.grew + diff.shrank, 2);
    assert_string_equal(mp_heap_difference_mark(&diff.changes[0]), "new");
    assert_string_equal(mp_heap_difference_mark(&diff.changes[1]), "gone");
    end(&diff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_are_paired_by_what_they_have_in_common),
        cmocka_unit_test(one_replaced_by_one_is_the_same_and_one_by_two_is_not),
        cmocka_unit_test(sequences_too_long_to_compare_are_paired_at_their_ends),
        cmocka_unit_test(a_lines_shape_is_that_of_its_instructions_wherever_it_is),
        cmocka_unit_test(a_shape_does_not_say_how_long_the_block_below_is),
        cmocka_unit_test(a_line_that_moved_in_a_file_that_moved_is_one_row),
        cmocka_unit_test(texts_decide_where_both_sides_have_them),
        cmocka_unit_test(rows_of_every_kind_sum_to_the_whole),
        cmocka_unit_test(growth_within_two_errors_is_not_called_growth),
        cmocka_unit_test(files_of_one_name_in_several_folders_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
