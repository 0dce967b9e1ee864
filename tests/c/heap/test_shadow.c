/* The shadow against a model: what was put is taken, exactly, whatever lies beside it. Each test
   runs without and with a counting filter, which must never miss a block. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "capture/heap/accounting/shadow.h"

enum { SLOTS = 4096, SPACING = 64 };

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static struct mp_counting_filter filter;

static void begin(struct mp_shadow *shadow, void **state)
{
    memset(&filter, 0, sizeof filter);
    assert_int_equal(mp_shadow_init(shadow, *state), 0);
}

static int put(struct mp_shadow *shadow, uintptr_t address, size_t size, uint32_t stack)
{
    return mp_shadow_put(shadow, address, size, stack, MP_SHADOW_ANYWHERE);
}

/* Every block was taken by now. */
static void finish(struct mp_shadow *shadow)
{
    static const struct mp_counting_filter empty;
    assert_memory_equal(&filter, &empty, sizeof empty);
    mp_shadow_release(shadow);
}

static void expect(struct mp_shadow *shadow, uintptr_t address, size_t size, uint32_t stack)
{
    assert_true(!shadow->filter || mp_counting_filter_may_hold(shadow->filter, address));
    struct mp_block block = mp_shadow_take(shadow, address);
    assert_true(block.known);
    assert_int_equal(block.size, size);
    assert_int_equal(block.stack, stack);
    assert_false(mp_shadow_take(shadow, address).known);
}

static void every_size_comes_back_exactly(void **state)
{
    static const size_t sizes[] = {0,  1,  15,         16,          17,
                                   31, 32, UINT32_MAX, 1ull << 32u, (1ull << 40) + 3};
    struct mp_shadow shadow;
    begin(&shadow, state);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(put(&shadow, 0x7f0000001000, sizes[i], 77), 0);
        expect(&shadow, 0x7f0000001000, sizes[i], 77);
    }
    assert_int_equal(put(&shadow, 0x1000, 100, MP_SHADOW_STACKS - 1), 0);
    expect(&shadow, 0x1000, 100, MP_SHADOW_STACKS - 1);
    finish(&shadow);
}

static void a_block_nobody_told_of_inside_a_freed_one_is_not_known(void **state)
{
    struct mp_shadow shadow;
    begin(&shadow, state);
    for (size_t size = 17; size < 200; size++) {
        put(&shadow, 0x7f0000001000, size, 1);
        put(&shadow, 0x7f0000002000, size << 32, 1);
        expect(&shadow, 0x7f0000001000, size, 1);
        expect(&shadow, 0x7f0000002000, size << 32, 1);
        for (uintptr_t inside = 16; inside <= 32; inside += 16) {
            assert_false(mp_shadow_take(&shadow, 0x7f0000001000 + inside).known);
            assert_false(mp_shadow_take(&shadow, 0x7f0000002000 + inside).known);
        }
    }
    finish(&shadow);
}

static void watching_leaves_what_is_known_of_a_block(void **state)
{
    struct mp_shadow shadow;
    begin(&shadow, state);
    put(&shadow, 0x1000, 500, 7);
    assert_int_equal(mp_shadow_watch(&shadow, 0x1000), 0);
    mp_shadow_unwatch(&shadow, 0x1000);
    expect(&shadow, 0x1000, 500, 7);
    assert_int_equal(mp_shadow_watch(&shadow, 0x2000), 0);
    struct mp_block watched = mp_shadow_take(&shadow, 0x2000);
    assert_true(watched.watched && !watched.known);
    assert_int_equal(mp_shadow_watch(&shadow, 0x2000), 0);
    mp_shadow_unwatch(&shadow, 0x2000);
    assert_false(mp_shadow_take(&shadow, 0x2000).watched);
    finish(&shadow);
}

static void the_last_block_of_a_leaf_does_not_touch_the_next(void **state)
{
    struct mp_shadow shadow;
    uintptr_t end = (uintptr_t)1 << 30;
    begin(&shadow, state);
    assert_int_equal(put(&shadow, end, 8, 2), 0);
    assert_int_equal(put(&shadow, end - 16, (size_t)5 << 32, 1), 0);
    expect(&shadow, end, 8, 2);
    expect(&shadow, end - 16, (size_t)5 << 32, 1);
    finish(&shadow);
}

static void addresses_nobody_has_are_refused_not_followed(void **state)
{
    struct mp_shadow shadow;
    begin(&shadow, state);
    assert_int_equal(put(&shadow, (uintptr_t)1 << 60, 8, 2), -1);
    assert_false(mp_shadow_take(&shadow, (uintptr_t)1 << 60).known);
    assert_false(mp_shadow_take(&shadow, 0).known);
    finish(&shadow);
}

static void a_watched_block_tells_once(void **state)
{
    struct mp_shadow shadow;
    begin(&shadow, state);
    assert_int_equal(put(&shadow, 0x2000, 200, 9), 0);
    assert_int_equal(mp_shadow_watch(&shadow, 0x2000), 0);
    assert_int_equal(mp_shadow_watch(&shadow, 0x2000), 0);
    struct mp_block block = mp_shadow_take(&shadow, 0x2000);
    assert_true(block.known && block.watched && block.size == 200 && block.stack == 9);
    assert_int_equal(mp_shadow_watch(&shadow, 0x3000), 0);
    assert_true(!shadow.filter || mp_counting_filter_may_hold(&filter, 0x3000));
    block = mp_shadow_take(&shadow, 0x3000);
    assert_true(block.watched && !block.known);
    assert_false(mp_shadow_take(&shadow, 0x3000).watched);
    finish(&shadow);
}

struct slot {
    size_t size;
    uint32_t stack;
    bool taken;
};

struct seeing {
    const struct slot *model;
    uintptr_t base;
    size_t count;
};

static void see_slot(void *context, uintptr_t address, const struct mp_block *block)
{
    struct seeing *seeing = context;
    size_t at = (address - seeing->base) / SPACING;
    assert_true(at < SLOTS && seeing->model[at].taken);
    assert_int_equal(address, seeing->base + at * SPACING + (at & 1) * 8);
    assert_int_equal(block->size, seeing->model[at].size);
    assert_int_equal(block->stack, seeing->model[at].stack);
    seeing->count++;
}

/* Each block that is known is seen once, and found where it is; nothing is forgotten by it. */
static void assert_seen(const struct mp_shadow *shadow, const struct slot *model,
                        uintptr_t base)
{
    struct seeing seeing = {model, base, 0};
    size_t known = 0;
    for (size_t at = 0; at < SLOTS; at++) {
        struct mp_block block = mp_shadow_find(shadow, base + at * SPACING + (at & 1) * 8);
        assert_int_equal(block.known, model[at].taken);
        assert_true(!block.known || block.size == model[at].size);
        assert_true(!block.known || block.stack == model[at].stack);
        known += model[at].taken;
    }
    mp_shadow_each_block(shadow, see_slot, &seeing);
    assert_int_equal(seeing.count, known);
}

/* Slots of 64 bytes, half of them at odd multiples of 8; blocks fill what they own. */
static void random_histories_agree_with_a_model(void **state)
{
    struct slot model[SLOTS] = {0};
    uintptr_t base = ((uintptr_t)1 << 40) - SLOTS * SPACING / 2;
    struct mp_shadow shadow;
    begin(&shadow, state);
    for (int round = 0; round < 1000000; round++) {
        size_t at = next_random() % SLOTS;
        uintptr_t address = base + at * SPACING + (at & 1) * 8;
        if (model[at].taken) {
            expect(&shadow, address, model[at].size, model[at].stack);
            model[at].taken = false;
        } else {
            model[at] = (struct slot){next_random() % 57, next_random() & 0xffffff, true};
            assert_int_equal(put(&shadow, address, model[at].size, model[at].stack), 0);
        }
    }
    assert_seen(&shadow, model, base);
    for (size_t at = 0; at < SLOTS; at++)
        if (model[at].taken)
            expect(&shadow, base + at * SPACING + (at & 1) * 8, model[at].size,
                   model[at].stack);
    finish(&shadow);
}

static void without_memory_it_says_so_and_goes_on(void **state)
{
    struct mp_shadow shadow;
    struct rlimit before, none;
    begin(&shadow, state);
    assert_int_equal(put(&shadow, 0x10000, 32, 1), 0);
    getrlimit(RLIMIT_AS, &before);
    none = before;
    none.rlim_cur = 1;
    setrlimit(RLIMIT_AS, &none);
    int refused = put(&shadow, 0x500000000000, 32, 1);
    int neighbour = put(&shadow, 0x20000, 32, 1);
    setrlimit(RLIMIT_AS, &before);
    assert_int_equal(refused, -1);
    assert_int_equal(neighbour, 0);
    expect(&shadow, 0x10000, 32, 1);
    expect(&shadow, 0x20000, 32, 1);
    finish(&shadow);
}

static void a_counting_filter_that_is_full_never_says_no(void **state)
{
    (void)state;
    memset(&filter, 0, sizeof filter);
    for (int i = 0; i < UINT16_MAX + 5; i++)
        mp_counting_filter_add(&filter, 0x7f0000001010);
    for (int i = 0; i < UINT16_MAX + 4; i++)
        mp_counting_filter_remove(&filter, 0x7f0000001ff0);
    assert_true(mp_counting_filter_may_hold(&filter, 0x7f0000001230));
    assert_false(mp_counting_filter_may_hold(&filter, 0x7f0000002000));
}

/* The state of a test is its counting filter. */
#define WITH_AND_WITHOUT(test) \
    cmocka_unit_test_prestate(test, NULL), cmocka_unit_test_prestate(test, &filter)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_AND_WITHOUT(every_size_comes_back_exactly),
        WITH_AND_WITHOUT(the_last_block_of_a_leaf_does_not_touch_the_next),
        WITH_AND_WITHOUT(addresses_nobody_has_are_refused_not_followed),
        WITH_AND_WITHOUT(a_watched_block_tells_once),
        WITH_AND_WITHOUT(a_block_nobody_told_of_inside_a_freed_one_is_not_known),
        WITH_AND_WITHOUT(watching_leaves_what_is_known_of_a_block),
        WITH_AND_WITHOUT(random_histories_agree_with_a_model),
        WITH_AND_WITHOUT(without_memory_it_says_so_and_goes_on),
        cmocka_unit_test(a_counting_filter_that_is_full_never_says_no),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
