/* The flame graph's frames: merged by line, pruned, and every level still sums exactly. */
#include "stacks.h"

#include <stdlib.h>

#include "aggregate/heap/flame.h"

static uint32_t fold;
static bool inverted;

static struct mp_flame flame_of(double least, size_t most, uint32_t depth)
{
    struct mp_flame flame;
    struct mp_heap_view view = mp_heap_view_of(&stacks_file.heap);
    struct mp_flame_options options = {
        .least = least, .most = most, .depth = depth, .fold = fold, .inverted = inverted};
    assert_int_equal(mp_flame_init(&flame, &view, &options), 0);
    return flame;
}

static void finish(struct mp_flame *flame)
{
    mp_flame_release(flame);
    stacks_end();
}

/* What is in the frames below cannot be more than what is in a frame, and the whole is there. */
static void assert_sums(const struct mp_flame *flame, int64_t whole)
{
    int64_t *below = calloc(flame->count, sizeof *below);
    uint32_t *stacks = calloc(flame->count, sizeof *stacks);
    assert_int_equal(flame->frames[0].sum.live, whole);
    for (size_t i = 1; i < flame->count; i++) {
        assert_true(flame->frames[i].parent < i);
        below[flame->frames[i].parent] += flame->frames[i].sum.live;
        stacks[flame->frames[i].parent] += flame->frames[i].stacks;
    }
    for (size_t i = 0; i < flame->count; i++) {
        assert_true(below[i] <= flame->frames[i].sum.live);
        assert_true(stacks[i] <= flame->frames[i].stacks);
    }
    free(below);
    free(stacks);
}

static void two_instructions_of_a_line_are_one_frame(void **state)
{
    (void)state;
    stacks_start();
    stacks_add(0, 1, 0, 10);
    stacks_add(0, 1, 1, 20);
    uint32_t next_line = stacks_add(0, 1, 2, 40);
    stacks_add(next_line, 2, 0, 80);
    struct mp_flame flame = flame_of(0, 1000, 100);
    assert_int_equal(flame.count, 4);
    assert_int_equal(flame.frames[1].sum.live, 30);
    assert_int_equal(flame.frames[1].sum.line, 10);
    assert_int_equal(flame.frames[1].stacks, 1);
    assert_int_equal(flame.frames[2].sum.live, 120);
    assert_int_equal(flame.frames[2].sum.line, 11);
    assert_int_equal(flame.frames[3].sum.total, 160);
    assert_int_equal(flame.frames[0].stacks, 3);
    assert_sums(&flame, 150);
    finish(&flame);
}

static void the_same_line_under_two_callers_is_two_frames(void **state)
{
    (void)state;
    stacks_start();
    stacks_add(stacks_add(0, 1, 0, 0), 3, 0, 10);
    stacks_add(stacks_add(0, 2, 0, 0), 3, 0, 20);
    struct mp_flame flame = flame_of(0, 1000, 100);
    assert_int_equal(flame.count, 5);
    assert_sums(&flame, 30);
    finish(&flame);
}

static void what_is_small_is_one_frame_that_says_how_many(void **state)
{
    (void)state;
    stacks_start();
    uint32_t large = stacks_add(0, 1, 0, 9000);
    for (uint32_t i = 0; i < 500; i++)
        stacks_add(stacks_add(large, 2 + i % 4, 2 * (i % 3), i % 2), 7, 0, 1);
    struct mp_flame flame = flame_of(0.5, 1000, 100);
    assert_int_equal(flame.count, 3);
    assert_int_equal(flame.frames[2].kind, MP_FLAME_SMALLER);
    assert_int_equal(flame.frames[2].parent, 1);
    assert_int_equal(flame.frames[2].stacks, 12 + 6);
    assert_int_equal(flame.frames[2].sum.live, 750);
    assert_sums(&flame, 9750);
    finish(&flame);
}

static void a_share_of_any_measure_keeps_a_frame(void **state)
{
    (void)state;
    stacks_start();
    stacks_add(0, 1, 0, 100000);
    stacks_file.heap.nodes[stacks_add(0, 2, 0, 1)].temporary = 5;
    stacks_add(0, 3, 0, 1);
    struct mp_flame flame = flame_of(0.01, 1000, 100);
    assert_int_equal(flame.count, 4);
    assert_int_equal(flame.frames[2].kind, MP_FLAME_FRAME);
    assert_int_equal(flame.frames[2].sum.temporary, 5);
    assert_int_equal(flame.frames[3].kind, MP_FLAME_SMALLER);
    finish(&flame);
}

static void too_many_frames_raise_the_least_share(void **state)
{
    (void)state;
    stacks_start();
    int64_t whole = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t parent = i % 3 ? 1 + (i * 2654435761U >> 8) % i : 0;
        stacks_add(parent, 1 + i % 8, i % 6, i % 100);
        whole += i % 100;
    }
    struct mp_flame flame = flame_of(0, 300, 100);
    assert_true(flame.least > 0);
    assert_in_range(flame.count, 100, 600);
    assert_sums(&flame, whole);
    finish(&flame);
}

static void a_recursion_of_fifty_thousand_is_cut_and_counted(void **state)
{
    (void)state;
    stacks_start();
    uint32_t at = 0;
    for (int i = 0; i < 50000; i++)
        at = stacks_add(at, 1, 0, 2);
    struct mp_flame flame = flame_of(0.001, 10000, 400);
    assert_int_equal(flame.count, 402);
    const struct mp_flame_frame *last = &flame.frames[401];
    assert_int_equal(last->kind, MP_FLAME_DEEPER);
    assert_int_equal(last->depth, 401);
    assert_int_equal(last->stacks, 50000 - 400);
    assert_int_equal(last->sum.live, 2 * (50000 - 400));
    assert_sums(&flame, 100000);
    finish(&flame);
}

static void a_recursion_folds_into_one_frame_with_all_it_calls(void **state)
{
    (void)state;
    stacks_start();
    uint32_t at = 0;
    for (int i = 0; i < 50000; i++)
        at = stacks_add(at, 1, i % 2, 2);
    stacks_add(at, 1, 2, 5);
    stacks_add(at, 2, 0, 7);
    fold = 2;
    struct mp_flame flame = flame_of(0, 1000, 400);
    fold = 0;
    assert_int_equal(flame.count, 4);
    assert_int_equal(flame.frames[1].stacks, 50002);
    assert_int_equal(flame.frames[2].sum.line, 11);
    assert_int_equal(flame.frames[3].sum.live, 7);
    assert_sums(&flame, 100012);
    finish(&flame);
}

/* build calls Node.__init__, and that build, on either of two lines. */
static uint32_t grow_tree(uint32_t above, int depth)
{
    if (!depth)
        return stacks_add(above, 3, 0, 1);
    uint32_t build = stacks_add(above, 1, 0, 10);
    uint32_t left = stacks_add(build, 2, 0, 0), right = stacks_add(build, 2, 2, 0);
    grow_tree(left, depth - 1);
    return grow_tree(right, depth - 1);
}

static void functions_that_call_each_other_in_turns_are_drawn_once(void **state)
{
    (void)state;
    stacks_start();
    grow_tree(stacks_add(0, 4, 0, 0), 6);
    fold = 4;
    struct mp_flame folded = flame_of(0, 1000, 100);
    fold = 7;
    struct mp_flame full = flame_of(0, 1000, 100);
    fold = 0;
    assert_true(folded.folded > 0.99);
    assert_true(full.folded == 0);
    assert_int_equal(folded.frames[2].sum.code, 1);
    assert_int_equal(folded.frames[2].times, 6);
    assert_int_equal(folded.frames[2].sum.live, 63 * 10 + 64);
    assert_int_equal(folded.frames[3].times, 6);
    assert_in_range(folded.count, 5, 7); /* a leaf below either line */
    assert_in_range(full.count, 200, 300);
    assert_sums(&folded, 63 * 10 + 64);
    mp_flame_release(&full);
    finish(&folded);
}

static void a_helper_that_calls_many_is_no_cycle(void **state)
{
    (void)state;
    stacks_start();
    uint32_t at = 0;
    for (uint32_t i = 0; i < 6; i++)
        at = stacks_add(stacks_add(at, 1, 0, 1), 2 + i, 0, 1);
    fold = 2;
    struct mp_flame flame = flame_of(0, 1000, 100);
    fold = 0;
    assert_int_equal(flame.count, 13);
    finish(&flame);
}

static void inverted_a_line_is_one_frame_with_its_callers_below(void **state)
{
    (void)state;
    stacks_start();
    uint32_t a = stacks_add(0, 1, 0, 5), b = stacks_add(0, 2, 0, 0);
    stacks_add(a, 3, 0, 10);
    stacks_add(b, 3, 0, 20);
    stacks_add(b, 3, 2, 40);
    stacks_add(stacks_add(b, 4, 0, 0), 3, 0, 80);
    inverted = true;
    struct mp_flame flame = flame_of(0, 1000, 100);
    inverted = false;
    assert_sums(&flame, 155);
    int64_t by_line[2] = {0}, callers = 0;
    for (size_t i = 1; i < flame.count; i++) {
        const struct mp_flame_frame *frame = &flame.frames[i];
        if (frame->depth == 1 && frame->sum.code == 3)
            by_line[frame->sum.line == 11] += frame->sum.live;
        if (frame->depth == 2 && frame->sum.code == 2)
            callers += frame->sum.live;
    }
    assert_int_equal(by_line[0], 110);
    assert_int_equal(by_line[1], 40);
    assert_int_equal(callers, 20 + 40);
    finish(&flame);
}

static void inverted_the_largest_have_their_callers_first(void **state)
{
    (void)state;
    stacks_start();
    int64_t whole = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t parent = i % 3 ? 1 + (i * 2654435761U >> 8) % i : 0;
        stacks_add(parent, 1 + i % 8, i % 6, i % 100);
        whole += i % 100;
    }
    inverted = true;
    struct mp_flame flame = flame_of(0, 300, 100);
    inverted = false;
    assert_in_range(flame.count, 100, 700);
    assert_true(flame.least > 0);
    for (size_t i = 1; i < flame.count; i++)
        assert_true(flame.frames[i].kind == MP_FLAME_SMALLER ||
                    flame.frames[i].depth == 1 ||
                    (double)flame.frames[i].sum.live >= flame.least * (double)whole * 0.2);
    assert_sums(&flame, whole);
    finish(&flame);
}

static void what_launched_the_program_is_not_drawn_and_ours_is_one_frame(void **state)
{
    (void)state;
    stacks_start();
    uint32_t runpy = stacks_code("<frozen runpy>", "_run_code");
    uint32_t ours = stacks_code("/x/memory_profiler/_heap_run.py", "main");
    uint32_t top = stacks_add(stacks_add(0, runpy, 0, 5), ours, 0, 7);
    uint32_t program = stacks_add(top, 1, 0, 100);
    stacks_add(program, runpy, 0, 1000);
    stacks_add(stacks_add(program, ours, 0, 9), 2, 0, 40);
    struct mp_flame flame = flame_of(0, 1000, 100);
    assert_int_equal(flame.count, 5);
    assert_int_equal(flame.frames[1].kind, MP_FLAME_OWN);
    assert_int_equal(flame.frames[1].sum.live, 16);
    assert_int_equal(flame.frames[2].sum.code, 1);
    assert_int_equal(flame.frames[2].sum.live, 1140);
    assert_int_equal(flame.frames[3].sum.code, runpy);
    assert_int_equal(flame.frames[4].sum.code, 2);
    assert_int_equal(flame.frames[4].parent, 2);
    assert_sums(&flame, 1161);
    finish(&flame);
}

static void a_capture_without_stacks_is_a_root(void **state)
{
    (void)state;
    stacks_start();
    struct mp_flame flame = flame_of(0.001, 10000, 400);
    assert_int_equal(flame.count, 1);
    assert_int_equal(flame.frames[0].sum.live, 0);
    finish(&flame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_instructions_of_a_line_are_one_frame),
        cmocka_unit_test(the_same_line_under_two_callers_is_two_frames),
        cmocka_unit_test(what_is_small_is_one_frame_that_says_how_many),
        cmocka_unit_test(a_share_of_any_measure_keeps_a_frame),
        cmocka_unit_test(too_many_frames_raise_the_least_share),
        cmocka_unit_test(a_recursion_of_fifty_thousand_is_cut_and_counted),
        cmocka_unit_test(a_recursion_folds_into_one_frame_with_all_it_calls),
        cmocka_unit_test(functions_that_call_each_other_in_turns_are_drawn_once),
        cmocka_unit_test(a_helper_that_calls_many_is_no_cycle),
        cmocka_unit_test(inverted_a_line_is_one_frame_with_its_callers_below),
        cmocka_unit_test(inverted_the_largest_have_their_callers_first),
        cmocka_unit_test(what_launched_the_program_is_not_drawn_and_ours_is_one_frame),
        cmocka_unit_test(a_capture_without_stacks_is_a_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
