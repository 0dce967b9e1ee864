/* A capture by line: what a library's line says of the user's, and what import machinery is. */
#include "stacks.h"

#include "aggregate/heap_lines.h"
#include "aggregate/heap_path.h"

static struct mp_heap_view view;
static struct mp_heap_own own;
static struct mp_heap_lines lines;

static void sum_up(bool together)
{
    view = mp_heap_view_of(&stacks_file.heap);
    assert_int_equal(mp_heap_own_init(&own, &view), 0);
    own.together = together;
    assert_int_equal(mp_heap_lines_init(&lines, &view, &own), 0);
    mp_heap_lines_sort(&lines, &view, MP_HEAP_BY_LIVE);
}

static void finish(void)
{
    mp_heap_lines_release(&lines);
    mp_heap_own_release(&own);
    stacks_end();
}

static void a_librarys_line_is_led_to_by_the_users_line_that_did_most(void **state)
{
    (void)state;
    stacks_start();
    uint32_t library = stacks_code("/usr/lib/python3.12/json/decoder.py", "decode");
    uint32_t package = stacks_code("/v/lib/python3.12/site-packages/web/run.py", "run");
    uint32_t server = stacks_add(0, package, 0, 0);
    uint32_t first = stacks_add(server, 1, 0, 0), other = stacks_add(server, 1, 2, 0);
    stacks_add(first, library, 0, 50);
    stacks_add(stacks_add(other, package, 0, 0), library, 0, 30);
    stacks_add(stacks_add(other, package, 2, 0), library, 0, 40);
    stacks_add(server, library, 0, 60);
    sum_up(false);
    const struct mp_heap_heaviest *heaviest = &lines.lines[0].heaviest[MP_HEAP_BY_LIVE];
    assert_int_equal(lines.lines[0].live, 180);
    assert_int_equal(heaviest->user, other);
    assert_int_equal(heaviest->by_user, 70);
    assert_int_equal(heaviest->weight, 40); /* of its stacks, the heaviest is shown */
    assert_int_equal(lines.lines[0].stacks, 4);
    finish();
}

static void a_line_of_the_users_is_led_to_by_none(void **state)
{
    (void)state;
    stacks_start();
    stacks_add(stacks_add(0, 1, 0, 0), 2, 2, 10);
    sum_up(false);
    assert_int_equal(lines.count, 1);
    assert_int_equal(lines.lines[0].heaviest[MP_HEAP_BY_LIVE].user, 0);
    assert_int_equal(lines.lines[0].heaviest[MP_HEAP_BY_LIVE].node, 2);
    finish();
}

static void import_machinery_is_one_line_where_it_shall_be(void **state)
{
    for (int together = 0; together < 2; together++) {
        (void)state;
        stacks_start();
        uint32_t finder = stacks_code("<frozen importlib._bootstrap>", "_find"),
                 loader = stacks_code("<frozen importlib._bootstrap_external>", "get");
        uint32_t user = stacks_add(0, 1, 0, 0);
        uint32_t import = stacks_add(user, finder, 0, 10);
        stacks_add(import, loader, 0, 20);
        stacks_add(import, loader, 2, 30);
        sum_up(together);
        assert_int_equal(lines.count, together ? 1 : 3);
        assert_int_equal(lines.lines[0].live, together ? 60 : 30);
        assert_int_equal(lines.lines[0].importing, together);
        assert_int_equal(lines.lines[0].heaviest[MP_HEAP_BY_LIVE].by_user,
                         together ? 60 : 30);
        finish();
    }
}

static void ours_is_nobodys_line_and_no_caller(void **state)
{
    (void)state;
    stacks_start();
    uint32_t ours =
        stacks_code("/v/lib/python3.12/site-packages/memory_profiler/_wrap.py", "call");
    uint32_t user = stacks_add(0, 1, 0, 0);
    uint32_t wrapped = stacks_add(stacks_add(user, ours, 0, 5), 2, 0, 10);
    sum_up(false);
    struct mp_heap_frame frames[4];
    size_t left;
    assert_int_equal(lines.count, 1);
    assert_int_equal(lines.own.live, 5);
    assert_int_equal(mp_heap_callers(&view, &own, wrapped, frames, 4, &left), 1);
    assert_int_equal(frames[0].code, 1);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_librarys_line_is_led_to_by_the_users_line_that_did_most),
        cmocka_unit_test(a_line_of_the_users_is_led_to_by_none),
        cmocka_unit_test(import_machinery_is_one_line_where_it_shall_be),
        cmocka_unit_test(ours_is_nobodys_line_and_no_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
