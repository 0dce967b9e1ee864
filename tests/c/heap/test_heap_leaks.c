/* What keeps growing, by the moments of captures made by hand. */
#include "stacks.h"

#include "aggregate/heap/leaks.h"
#include "record/location.h"

enum { POINTS = 12, SECOND = 1000000000 };

static struct mp_heap_moment moments[POINTS];
static struct mp_heap_holding holdings[POINTS * MP_HEAP_SLOT];
static int lines[64];
static struct mp_heap_view view;
static struct mp_heap_own own;
static struct mp_heap_leaks leaks;

static void begin(void)
{
    stacks_start();
    memset(moments, 0, sizeof moments);
    for (int i = 0; i < POINTS; i++)
        moments[i] = (struct mp_heap_moment){.time = (int64_t)(i + 1) * SECOND,
                                             .stamp = 1 + (uint32_t)i};
}

/* What a stack holds at a moment that lists it. */
static void hold(uint32_t node, int point, int64_t bytes)
{
    struct mp_heap_moment *moment = &moments[point];
    holdings[point * MP_HEAP_SLOT + (int)moment->count++] =
        (struct mp_heap_holding){node, (uint32_t)(bytes / 100), bytes};
    moment->live += bytes;
}

static void find(int64_t since)
{
    struct mp_heap_header *header = stacks_file.heap.header;
    header->elapsed = (POINTS + 1) * (int64_t)SECOND;
    header->live = 0;
    for (size_t i = 1; i < header->counts[MP_HEAP_NODES]; i++)
        header->live += stacks_file.heap.nodes[i].live;
    view = mp_heap_view_of(&stacks_file.heap);
    view.moments = moments;
    view.entries = holdings;
    view.counts[MP_HEAP_MOMENTS] = POINTS;
    assert_int_equal(mp_heap_own_init(&own, &view), 0);
    for (size_t i = 1; i < view.counts[MP_HEAP_NODES]; i++) {
        const struct mp_heap_code *code = &view.codes[view.nodes[i].code];
        lines[i] = mp_location_line(view.text + code->lines.offset, code->lines.length,
                                    code->first_line, mp_heap_instruction(&view.nodes[i]));
    }
    assert_int_equal(mp_heap_leaks_init(&leaks, &view, &own, lines, since), 0);
}

static void end(void)
{
    mp_heap_leaks_release(&leaks);
    mp_heap_own_release(&own);
    stacks_end();
}

static void a_leak_of_a_library_is_at_the_line_of_the_users_that_led_to_it(void **state)
{
    (void)state;
    begin();
    uint32_t library = stacks_code("/usr/lib/python3.12/json/a.py", "decode");
    uint32_t user = stacks_add(0, 1, 2, 0);
    uint32_t grows = stacks_add(user, library, 0, 1000 * (POINTS + 1));
    uint32_t steady = stacks_add(0, 2, 0, 5000);
    for (int i = 0; i < POINTS; i++) {
        hold(grows, i, 1000 * (i + 1));
        hold(steady, i, 5000);
    }
    find(0);
    assert_int_equal(leaks.count, 1);
    const struct mp_heap_leak *leak = &leaks.leaks[0];
    assert_int_equal(leak->trend.kind, MP_HEAP_TREND_GROWS);
    assert_int_equal(leak->code, 1);
    assert_int_equal(leak->line, 11);
    assert_true(leak->is_users && !leak->is_import);
    assert_int_equal(leak->inner, grows);
    assert_int_equal(leak->trend.growth, 1000 * POINTS);
    assert_int_equal(leaks.rest, 0);
    end();
}

static void growth_is_since_the_moment_that_was_asked_for(void **state)
{
    (void)state;
    begin();
    uint32_t grows = stacks_add(0, 1, 0, 1000 * (POINTS + 1));
    for (int i = 0; i < POINTS; i++)
        hold(grows, i, 1000 * (i + 1));
    find(5 * (int64_t)SECOND + 7);
    assert_int_equal(leaks.from, 5 * (int64_t)SECOND);
    assert_int_equal(leaks.points, POINTS - 4 + 1);
    assert_int_equal(leaks.leaks[0].trend.growth, 1000 * (POINTS + 1 - 5));
    end();
}

/* 100 MB of others: who has no entry held 50 kB at most. */
static void what_was_too_small_to_be_listed_is_not_growth(void **state)
{
    (void)state;
    begin();
    uint32_t large = stacks_add(0, 1, 0, 100000000);
    uint32_t small = stacks_add(0, 2, 0, 49000), late = stacks_add(0, 3, 0, 900000);
    for (int i = 0; i < POINTS; i++) {
        hold(large, i, 100000000);
        if (i > 2)
            hold(late, i, 60000 * (i + 1));
        moments[i].rest = 49000 + (i > 2 ? 0 : 40000 * (int64_t)(i + 1));
        moments[i].live += moments[i].rest;
        moments[i].rest_stacks = 2;
    }
    find(0);
    assert_int_equal(leaks.count, 1);
    assert_int_equal(leaks.leaks[0].inner, late);
    assert_true(leaks.leaks[0].trend.growth >= 900000 - 50100);
    assert_true(leaks.leaks[0].trend.growth <= 900000 - 40000);
    (void)small;
    end();
}

static void what_grew_once_is_apart_and_what_goes_up_and_down_is_elsewhere(void **state)
{
    (void)state;
    begin();
    uint32_t once = stacks_add(0, 1, 0, 70000), noise = stacks_add(0, 2, 0, 9000);
    for (int i = 0; i < POINTS; i++) {
        hold(once, i, i < 4 ? 10 : 70000);
        hold(noise, i, i % 2 ? 9500 : 8000);
    }
    find(0);
    assert_int_equal(leaks.count, 1);
    assert_int_equal(leaks.leaks[0].trend.kind, MP_HEAP_TREND_STAYED);
    assert_int_equal(leaks.leaks[0].inner, once);
    assert_int_equal(leaks.counts[MP_HEAP_TREND_GROWS], 0);
    assert_int_equal(leaks.rest, 1000);
    end();
}

static void imports_are_apart(void **state)
{
    (void)state;
    begin();
    uint32_t importer = stacks_code("<frozen importlib._bootstrap>", "_load");
    uint32_t user = stacks_add(0, 1, 0, 0);
    uint32_t import = stacks_add(user, importer, 0, 1000 * (POINTS + 1));
    for (int i = 0; i < POINTS; i++)
        hold(import, i, 1000 * (i + 1));
    find(0);
    assert_int_equal(leaks.count, 1);
    assert_true(leaks.leaks[0].is_import);
    assert_int_equal(leaks.counts[MP_HEAP_TREND_GROWS], 0);
    end();
}

static void what_the_end_gave_back_was_there_until_then(void **state)
{
    (void)state;
    begin();
    uint32_t grows = stacks_add(0, 1, 0, 0);
    stacks_file.heap.nodes[grows].total = 1000 * POINTS;
    for (int i = 0; i < POINTS; i++)
        hold(grows, i, 1000 * (i + 1));
    find(0);
    assert_int_equal(leaks.count, 1);
    assert_true(leaks.leaks[0].freed_at_end);
    assert_int_equal(leaks.leaks[0].trend.growth, 1000 * (POINTS - 1));
    end();
}

static void bytes_that_were_never_freed_are_as_old_as_the_first_moment(void **state)
{
    (void)state;
    begin();
    uint32_t kept = stacks_add(0, 1, 0, 20000), renewed = stacks_add(0, 2, 0, 20000);
    stacks_file.heap.nodes[kept].total = 21000; /* 1000 were freed, whichever these were */
    stacks_file.heap.nodes[renewed].total = 90000;
    for (int i = 0; i < POINTS; i++) {
        hold(kept, i, 8000 + 1000 * i);
        hold(renewed, i, 8000 + 1000 * i);
    }
    find(0);
    assert_int_equal(leaks.count, 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(leaks.leaks[i].older, leaks.leaks[i].inner == kept ? 7000 : 0);
    end();
}

static void without_moments_nothing_is_said_to_grow(void **state)
{
    (void)state;
    begin();
    stacks_add(0, 1, 0, 1000);
    memset(moments, 0, sizeof moments);
    find(0);
    assert_int_equal(leaks.count, 0);
    assert_int_equal(leaks.points, 1);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leak_of_a_library_is_at_the_line_of_the_users_that_led_to_it),
        cmocka_unit_test(growth_is_since_the_moment_that_was_asked_for),
        cmocka_unit_test(what_was_too_small_to_be_listed_is_not_growth),
        cmocka_unit_test(what_grew_once_is_apart_and_what_goes_up_and_down_is_elsewhere),
        cmocka_unit_test(imports_are_apart),
        cmocka_unit_test(what_the_end_gave_back_was_there_until_then),
        cmocka_unit_test(bytes_that_were_never_freed_are_as_old_as_the_first_moment),
        cmocka_unit_test(without_moments_nothing_is_said_to_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
