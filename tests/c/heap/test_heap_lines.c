/* A capture by line: what a library's line says of the user's, and what import machinery is. */
#include "stacks.h"

#include "aggregate/heap/path.h"
#include "aggregate/heap/your_lines.h"

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
    struct mp_heap_heaviest heaviest =
        mp_heap_line_heaviest(&lines.lines[0], MP_HEAP_BY_LIVE);
    assert_int_equal(lines.lines[0].live, 180);
    assert_int_equal(heaviest.user, other);
    assert_int_equal(heaviest.by_user, 70);
    assert_int_equal(heaviest.weight, 40); /* of its stacks, the heaviest is shown */
    assert_int_equal(lines.lines[0].stacks, 4);
    finish();
}

/* What waits for cells is nobody's caller, also where a magic runs the cell. */
static void what_runs_the_cells_of_a_notebook_is_outer(void **state)
{
    (void)state;
    stacks_start();
    uint32_t kernel =
        stacks_code("/v/lib/python3.12/site-packages/ipykernel/kernelapp.py", "start");
    uint32_t shell =
        stacks_code("/v/lib/python3.12/site-packages/IPython/core/interactiveshell.py",
                    "InteractiveShell.run_code");
    uint32_t magic =
        stacks_code("/v/lib/python3.12/site-packages/IPython/core/interactiveshell.py",
                    "InteractiveShell.run_cell_magic");
    uint32_t ours =
        stacks_code("/v/lib/python3.12/site-packages/memory_profiler/_notebook/cells.py",
                    "Statement.run");
    uint32_t cell = stacks_code("/tmp/ipykernel_7/12.py", "<module>");
    uint32_t started = stacks_add(0, kernel, 0, 0), ran = stacks_add(started, shell, 0, 0);
    uint32_t first = stacks_add(ran, cell, 0, 50), called = stacks_add(first, magic, 0, 0);
    uint32_t within = stacks_add(called, ours, 0, 0),
             second = stacks_add(within, cell, 2, 40);
    uint32_t aside = stacks_add(started, kernel, 2, 30);
    sum_up(false);
    uint32_t outer[] = {started, ran, first, called, within};
    for (size_t i = 0; i < sizeof outer / sizeof *outer; i++)
        assert_true(mp_heap_own_is_outer(&own, outer[i]));
    assert_false(mp_heap_own_is_outer(&own, second));
    assert_false(mp_heap_own_is_outer(&own, aside));
    assert_true(mp_heap_own_is_users(&own, cell));
    finish();
}

static void a_program_that_opens_a_prompt_is_still_the_program(void **state)
{
    (void)state;
    stacks_start();
    uint32_t shell =
        stacks_code("/v/lib/python3.12/site-packages/IPython/core/interactiveshell.py",
                    "InteractiveShell.run_code");
    uint32_t program = stacks_code("/home/me/work.py", "<module>");
    uint32_t cell = stacks_code("<ipython-input-1-ab>", "<module>");
    uint32_t began = stacks_add(0, program, 0, 50), ran = stacks_add(began, shell, 0, 0);
    uint32_t typed = stacks_add(ran, cell, 0, 40);
    sum_up(false);
    assert_false(mp_heap_own_is_outer(&own, began));
    assert_false(mp_heap_own_is_outer(&own, ran));
    assert_false(mp_heap_own_is_outer(&own, typed));
    finish();
}

static void a_line_of_the_users_is_led_to_by_none(void **state)
{
    (void)state;
    stacks_start();
    stacks_add(stacks_add(0, 1, 0, 0), 2, 2, 10);
    sum_up(false);
    assert_int_equal(lines.count, 1);
    assert_int_equal(mp_heap_line_heaviest(&lines.lines[0], MP_HEAP_BY_LIVE).user, 0);
    assert_int_equal(mp_heap_line_heaviest(&lines.lines[0], MP_HEAP_BY_LIVE).node, 2);
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
        assert_int_equal(mp_heap_line_heaviest(&lines.lines[0], MP_HEAP_BY_LIVE).by_user,
                         together ? 60 : 30);
        finish();
    }
}

static void ours_is_nobodys_line_and_no_caller(void **state)
{
    (void)state;
    stacks_start();
    uint32_t ours = stacks_code(
        "/v/lib/python3.12/site-packages/memory_profiler/_calls/wrap.py", "call");
    uint32_t user = stacks_add(0, 1, 0, 0);
    uint32_t wrapped = stacks_add(stacks_add(user, ours, 0, 5), 2, 0, 10);
    sum_up(false);
    struct mp_heap_frame frames[4];
    size_t left;
    assert_int_equal(lines.count, 1);
    assert_int_equal(lines.own.live, 5);
    assert_int_equal(mp_heap_callers(&lines.calls, wrapped, frames, 4, &left), 1);
    assert_int_equal(frames[0].code, 1);
    finish();
}

static const struct mp_heap_line *line_at(uint32_t code, int line)
{
    for (size_t i = 0; i < lines.all; i++)
        if (lines.lines[i].code == code && lines.lines[i].line == line)
            return &lines.lines[i];
    return NULL;
}

static void a_total_has_all_callees_and_recursion_counts_once(void **state)
{
    (void)state;
    stacks_start();
    uint32_t main = stacks_add(0, 1, 0, 1);
    uint32_t walk = stacks_add(main, 2, 0, 2);
    uint32_t again = stacks_add(stacks_add(walk, 3, 0, 4), 2, 0, 8);
    stacks_add(again, 2, 2, 16);
    stacks_add(main, 2, 0, 32);
    sum_up(false);
    assert_int_equal(line_at(1, 10)->cumulative.live, 63);
    assert_int_equal(line_at(2, 10)->cumulative.live, 62);
    assert_int_equal(line_at(2, 10)->live, 42);
    assert_int_equal(line_at(3, 10)->cumulative.live, 28);
    assert_int_equal(line_at(2, 11)->cumulative.live, 16);
    assert_int_equal(line_at(2, 10)->cumulative.total, 124);
    finish();
}

static void a_line_that_only_calls_has_a_total_behind_those_that_allocate(void **state)
{
    (void)state;
    stacks_start();
    stacks_add(stacks_add(0, 1, 0, 0), 2, 0, 10);
    sum_up(false);
    assert_int_equal(lines.count, 1);
    assert_int_equal(lines.all, 2);
    assert_int_equal(lines.lines[1].code, 1);
    assert_int_equal(lines.lines[1].cumulative.live, 10);
    finish();
}

static void what_started_the_program_is_no_caller(void **state)
{
    (void)state;
    stacks_start();
    uint32_t starter = stacks_code("<frozen runpy>", "_run_code");
    stacks_add(stacks_add(0, starter, 0, 0), 1, 0, 10);
    sum_up(false);
    assert_int_equal(lines.all, 1);
    finish();
}

static void a_line_of_yours_has_what_libraries_did_for_it_and_all_sum_up(void **state)
{
    (void)state;
    stacks_start();
    struct mp_heap_your_lines yours;
    uint32_t library = stacks_code("/usr/lib/python3.12/json/decoder.py", "decode");
    uint32_t main = stacks_add(0, 1, 0, 1);
    uint32_t load = stacks_add(main, 2, 0, 2);
    stacks_add(load, library, 0, 4);
    uint32_t slow = stacks_add(load, library, 2, 8);
    stacks_add(slow, 3, 0, 16); /* called back */
    stacks_add(0, library, 0, 32);
    sum_up(false);
    assert_int_equal(mp_heap_your_lines_init(&yours, &view, &lines), 0);
    mp_heap_your_lines_sort(&yours, &view, MP_HEAP_BY_LIVE);
    assert_int_equal(yours.count, 3);
    assert_int_equal(yours.elsewhere.live, 32);
    const struct mp_heap_your_line *callback = &yours.lines[0], *its = &yours.lines[1];
    assert_int_equal(callback->line.live, 16);
    assert_int_equal(callback->beneath[MP_HEAP_BY_LIVE].code, 0);
    assert_int_equal(its->line.code, 2);
    assert_int_equal(its->line.live, 14);
    assert_int_equal(its->line.cumulative.live, 30);
    assert_int_equal(its->beneath[MP_HEAP_BY_LIVE].line, 11);
    assert_int_equal(its->beneath[MP_HEAP_BY_LIVE].weight, 8);
    assert_int_equal(yours.lines[2].line.live, 1);
    mp_heap_your_lines_release(&yours);
    finish();
}

static void lines_without_callers_have_the_same_figures(void **state)
{
    (void)state;
    stacks_start();
    uint32_t library = stacks_code("/usr/lib/python3.12/json/decoder.py", "decode");
    uint32_t main = stacks_add(0, 1, 0, 1);
    stacks_add(stacks_add(main, library, 0, 2), library, 2, 4);
    stacks_add(main, 2, 2, 8);
    struct mp_heap_lines uncalled;
    sum_up(false);
    assert_int_equal(mp_heap_lines_init_uncalled(&uncalled, &view, &own), 0);
    mp_heap_lines_sort(&uncalled, &view, MP_HEAP_BY_LIVE);
    assert_int_equal(uncalled.count, lines.count);
    for (size_t i = 0; i < lines.count; i++) {
        assert_int_equal(uncalled.lines[i].line, lines.lines[i].line);
        assert_int_equal(uncalled.lines[i].live, lines.lines[i].live);
        assert_int_equal(uncalled.lines[i].cumulative.live, lines.lines[i].cumulative.live);
        assert_true(mp_heap_line_heaviest(&lines.lines[i], MP_HEAP_BY_LIVE).node);
        assert_false(mp_heap_line_heaviest(&uncalled.lines[i], MP_HEAP_BY_LIVE).node);
    }
    mp_heap_lines_release(&uncalled);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_librarys_line_is_led_to_by_the_users_line_that_did_most),
        cmocka_unit_test(what_runs_the_cells_of_a_notebook_is_outer),
        cmocka_unit_test(a_program_that_opens_a_prompt_is_still_the_program),
        cmocka_unit_test(a_line_of_the_users_is_led_to_by_none),
        cmocka_unit_test(import_machinery_is_one_line_where_it_shall_be),
        cmocka_unit_test(ours_is_nobodys_line_and_no_caller),
        cmocka_unit_test(a_total_has_all_callees_and_recursion_counts_once),
        cmocka_unit_test(a_line_that_only_calls_has_a_total_behind_those_that_allocate),
        cmocka_unit_test(what_started_the_program_is_no_caller),
        cmocka_unit_test(lines_without_callers_have_the_same_figures),
        cmocka_unit_test(a_line_of_yours_has_what_libraries_did_for_it_and_all_sum_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
