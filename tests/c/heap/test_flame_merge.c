/* Frames are found without looking each of them up: beside a merge that compares with all of them. */
#include "stacks.h"

#include <stdlib.h>

#include "aggregate/heap/flame.h"
#include "aggregate/heap/flame_merge.h"

enum { NODES = 3000, DEPTH = 12 };

static uint32_t rolled;

static uint32_t roll(uint32_t below)
{
    rolled = rolled * 1664525U + 1013904223U;
    return (rolled >> 8) % below;
}

/* What a merge must come to. */
struct plain {
    struct {
        enum mp_flame_kind kind;
        uint32_t parent, depth, code;
        int line;
        int64_t live;
    } frames[NODES + 1];
    size_t count;
    uint32_t place[NODES + 1], figures[NODES + 1];
};

static uint32_t find(struct plain *plain, enum mp_flame_kind kind, uint32_t parent,
                     uint32_t code, int line)
{
    for (uint32_t i = 1; i < plain->count; i++)
        if (plain->frames[i].kind == kind && plain->frames[i].parent == parent &&
            plain->frames[i].code == code && plain->frames[i].line == line)
            return i;
    plain->frames[plain->count].kind = kind;
    plain->frames[plain->count].parent = parent;
    plain->frames[plain->count].depth = plain->frames[parent].depth + 1;
    plain->frames[plain->count].code = code;
    plain->frames[plain->count].line = line;
    return (uint32_t)plain->count++;
}

static void merge_plainly(struct plain *plain, const struct mp_heap_view *view,
                          const struct mp_heap_own *own, const int *lines)
{
    plain->count = 1;
    for (uint32_t i = 1; i < view->counts[MP_HEAP_NODES]; i++) {
        uint32_t code = view->nodes[i].code, above = plain->place[view->nodes[i].parent];
        bool ours = mp_heap_own_is_ours(own, i), deeper = plain->frames[above].kind;
        bool import = mp_heap_own_is_importer(own, code);
        uint32_t at = above;
        if (!ours && !import && !deeper && !mp_heap_own_is_outer(own, i))
            at = plain->frames[above].depth < DEPTH
                     ? find(plain, MP_FLAME_FRAME, above, code, lines[i])
                     : find(plain, MP_FLAME_DEEPER, above, 0, 0);
        plain->place[i] = plain->figures[i] = at;
        if (!mp_heap_has_figures(view, i))
            continue;
        if (ours)
            plain->figures[i] = find(plain, MP_FLAME_OWN, 0, 0, 0);
        else if (import && plain->frames[at].kind != MP_FLAME_DEEPER)
            plain->figures[i] = find(plain, MP_FLAME_IMPORTS, at, 0, 0);
        plain->frames[plain->figures[i]].live += view->nodes[i].live;
    }
}

static void assert_same(const struct plain *plain, const struct mp_flame *flame)
{
    assert_int_equal(flame->count, plain->count);
    for (size_t i = 1; i < plain->count; i++) {
        assert_int_equal(flame->frames[i].kind, plain->frames[i].kind);
        assert_int_equal(flame->frames[i].parent, plain->frames[i].parent);
        assert_int_equal(flame->frames[i].depth, plain->frames[i].depth);
        assert_int_equal(flame->frames[i].sum.code, plain->frames[i].code);
        assert_int_equal(flame->frames[i].sum.line, plain->frames[i].line);
        assert_int_equal(flame->frames[i].sum.live, plain->frames[i].live);
    }
}

/* Of few functions, so that many stacks lead to a frame: the program's, the library's, ours, what starts
   and what imports; now and then a recording within the recording begins. */
static void add_stacks(uint32_t shape)
{
    uint32_t special[] = {stacks_code("<frozen runpy>", "_run_code"),
                          stacks_code("/x/memory_profiler/_heap_run.py", "main"),
                          stacks_code("<frozen importlib._bootstrap>", "_find_and_load"),
                          stacks_code("/usr/lib/python3.12/json/__init__.py", "loads"), 0};
    for (uint32_t i = 1; i < NODES; i++) {
        uint32_t recent = i < 40 ? i : 40;
        uint32_t parent = roll(shape) ? roll(i) : i - 1 - roll(recent);
        bool plain = roll(4);
        stacks_add(parent, plain ? 1 + roll(4) : special[roll(5)], roll(6),
                   roll(2) ? roll(1000) : 0);
    }
}

static void frames_are_those_that_comparing_with_all_would_find(void **state)
{
    (void)state;
    static struct plain plain;
    for (uint32_t seed = 1; seed <= 12; seed++) {
        rolled = seed * 2654435761U;
        memset(&plain, 0, sizeof plain);
        stacks_start();
        add_stacks(1 + seed % 3);
        struct mp_heap_view view = mp_heap_view_of(&stacks_file.heap);
        struct mp_heap_own own;
        struct mp_heap_stacks stacks;
        struct mp_flame flame;
        bool cycles;
        assert_int_equal(mp_heap_own_init(&own, &view), 0);
        assert_int_equal(mp_heap_stacks_init(&stacks, &view), 0);
        struct mp_flame_options options = {.depth = DEPTH,
                                           .together = true,
                                           .placed = true,
                                           .own = &own,
                                           .stacks = &stacks};
        assert_int_equal(mp_flame_merge(&flame, &view, &options, &cycles), 0);
        merge_plainly(&plain, &view, &own, stacks.lines);
        assert_same(&plain, &flame);
        for (uint32_t i = 0; i < NODES; i++)
            assert_int_equal(flame.places[i], plain.figures[i]);
        mp_flame_release(&flame);
        mp_heap_stacks_release(&stacks);
        mp_heap_own_release(&own);
        stacks_end();
    }
}

static void both_ways_at_once_are_what_each_alone_is(void **state)
{
    (void)state;
    rolled = 7;
    stacks_start();
    add_stacks(3);
    struct mp_heap_view view = mp_heap_view_of(&stacks_file.heap);
    struct mp_flame both[2];
    struct mp_flame_options options = {
        .least = 0.001, .most = 500, .most_inverted = 200, .depth = DEPTH, .placed = true};
    assert_int_equal(mp_flame_init_both(both, &view, &options), 0);
    for (int way = 0; way < 2; way++) {
        struct mp_flame alone;
        options.inverted = way;
        options.most = way ? 200 : 500;
        assert_int_equal(mp_flame_init(&alone, &view, &options), 0);
        assert_int_equal(alone.inverted, both[way].inverted);
        assert_int_equal(alone.count, both[way].count);
        for (size_t i = 0; i < alone.count; i++) {
            assert_int_equal(alone.frames[i].parent, both[way].frames[i].parent);
            assert_int_equal(alone.frames[i].sum.live, both[way].frames[i].sum.live);
            assert_int_equal(alone.frames[i].stacks, both[way].frames[i].stacks);
        }
        for (size_t i = 0; i < NODES; i++)
            assert_int_equal(alone.places[i], both[way].places[i]);
        mp_flame_release(&alone);
        mp_flame_release(&both[way]);
    }
    stacks_end();
}

static void where_nothing_recurs_nothing_is_folded(void **state)
{
    (void)state;
    stacks_start();
    stacks_add(stacks_add(0, 1, 0, 10), 2, 0, 10);
    struct mp_heap_view view = mp_heap_view_of(&stacks_file.heap);
    struct mp_flame both[2];
    struct mp_flame_options options = {
        .most = 500, .most_inverted = 500, .depth = DEPTH, .fold = 2};
    assert_int_equal(mp_flame_init_both(both, &view, &options), 0);
    assert_int_equal(both[0].count, 0);
    assert_int_equal(both[1].count, 0);
    stacks_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_those_that_comparing_with_all_would_find),
        cmocka_unit_test(both_ways_at_once_are_what_each_alone_is),
        cmocka_unit_test(where_nothing_recurs_nothing_is_folded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
