/* The shadow of pools against a model: what was put is taken, exactly, whether the caller's hints
 * are right or not; and what it costs. Histories run without and with a counting filter.
 */
#include "unit.h"

#include <stdlib.h>

#include "capture/heap/accounting/shadow.h"
#include "capture/process/pages.h"

enum {
    GRAIN = 16,
    PAGE = 1 << MP_SHADOW_PAGE_BITS,
    PAGE_GRAINS = PAGE / GRAIN,
    PAGES = 24, /* of the model, of two leaves */
    GRAINS = PAGES * PAGE_GRAINS,
    BLOCKS = 6000,
    HEADER = 48,
};

static const uintptr_t base = ((uintptr_t)5 << MP_SHADOW_LEAF_BITS) - PAGES / 2 * PAGE;

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static struct mp_counting_filter filter;

static void begin(struct mp_shadow *shadow, void **state)
{
    random_state = 88172645463325252u;
    memset(&filter, 0, sizeof filter);
    assert_int_equal(mp_shadow_init(shadow, *state), 0);
}

struct model {
    struct mp_shadow shadow;
    struct alive {
        size_t grain, size;
        uint32_t stack;
        bool watched;
    } alive[BLOCKS];
    size_t count;
    bool taken[GRAINS];
    uint32_t pools[PAGES]; /* grains of its blocks; 0: none */
    size_t in_pool[PAGES]; /* blocks alive */
};

static size_t grains_of(size_t size)
{
    return size ? (size + GRAIN - 1) / GRAIN : 1;
}

static void mark(struct model *model, const struct alive *block, bool taken)
{
    for (size_t i = 0; i < grains_of(block->size) && block->grain + i < GRAINS; i++)
        model->taken[block->grain + i] = taken;
}

static bool is_free(const struct model *model, size_t grain, size_t grains)
{
    for (size_t i = 0; i < grains; i++)
        if (grain + i >= GRAINS || model->taken[grain + i])
            return false;
    return true;
}

static uintptr_t address_of(const struct alive *block)
{
    return base + block->grain * GRAIN;
}

static void put(struct model *model, size_t grain, size_t size, enum mp_shadow_where where)
{
    if (model->count == BLOCKS)
        return;
    struct alive *block = &model->alive[model->count++];
    *block =
        (struct alive){grain, size, (uint32_t)(next_random() % MP_SHADOW_STACKS), false};
    if (next_random() % 8 == 0)
        block->stack = MP_SHADOW_STACKS - 1;
    mark(model, block, true);
    assert_int_equal(
        mp_shadow_put(&model->shadow, address_of(block), size, block->stack, where), 0);
    if (size > GRAIN && next_random() % 16 == 0) {
        assert_int_equal(mp_shadow_watch(&model->shadow, address_of(block)), 0);
        block->watched = true;
    }
}

static void take(struct model *model, size_t which)
{
    struct alive *block = &model->alive[which];
    uintptr_t address = address_of(block);
    assert_true(!model->shadow.filter || mp_counting_filter_may_hold(&filter, address));
    struct mp_block found = mp_shadow_find(&model->shadow, address);
    assert_true(found.known && found.size == block->size && found.stack == block->stack);
    struct mp_block took = mp_shadow_take(&model->shadow, address);
    assert_true(took.known);
    assert_int_equal(took.watched, block->watched);
    assert_int_equal(took.size, block->size);
    assert_int_equal(took.stack, block->stack);
    took = mp_shadow_take(&model->shadow, address);
    assert_false(took.known || took.watched);
    mark(model, block, false);
    *block = model->alive[--model->count];
}

/* What a block that is not there says, wherever it is. */
static void ask_in_vain(struct model *model)
{
    size_t grain = next_random() % GRAINS;
    struct alive there = {.grain = grain};
    for (size_t i = 0; i < model->count; i++)
        if (model->alive[i].grain == grain)
            return;
    if (!model->taken[grain]) /* inside another there is no block to ask for */
        assert_false(mp_shadow_take(&model->shadow, address_of(&there)).known);
}

/* Made smaller where it is. */
static void shrink(struct model *model, size_t which)
{
    struct alive *block = &model->alive[which];
    size_t size = block->size - next_random() % (block->size / 4 + 1);
    struct mp_block took = mp_shadow_take(&model->shadow, address_of(block));
    assert_int_equal(took.size, block->size);
    mark(model, block, false);
    block->size = size;
    block->watched = false;
    mark(model, block, true);
    assert_int_equal(mp_shadow_put(&model->shadow, address_of(block), size, block->stack,
                                   MP_SHADOW_AS_BEFORE),
                     0);
}

struct sums {
    size_t count, bytes, addresses;
    uint64_t stacks;
};

static void add_block(void *context, uintptr_t address, const struct mp_block *block)
{
    struct sums *sums = context;
    sums->count++;
    sums->bytes += block->size;
    sums->addresses ^= address * (block->size + 1);
    sums->stacks += block->stack;
}

static void every_block_is_visited_once(const struct model *model)
{
    struct sums seen = {0}, real = {0};
    mp_shadow_each_block(&model->shadow, add_block, &seen);
    for (size_t i = 0; i < model->count; i++) {
        const struct alive *block = &model->alive[i];
        struct mp_block told = {.stack = block->stack, .size = block->size};
        add_block(&real, address_of(block), &told);
    }
    assert_memory_equal(&seen, &real, sizeof seen);
}

static void finish(struct model *model)
{
    static const struct mp_counting_filter empty;
    every_block_is_visited_once(model);
    while (model->count)
        take(model, model->count - 1);
    every_block_is_visited_once(model);
    assert_int_equal(model->shadow.leaves.used, 0);
    assert_memory_equal(&filter, &empty, sizeof empty);
    mp_shadow_release(&model->shadow);
}

static void look_around(struct model *model, int round)
{
    ask_in_vain(model);
    if (round % 4096 == 0)
        every_block_is_visited_once(model);
    if (round % 1024 == 0)
        mp_shadow_trim(&model->shadow);
}

/* Sizes as programs have them, and some that lie across several pages or are of 4 GiB. */
static size_t any_size(void)
{
    uint64_t draw = next_random();
    if (draw % 64 == 0)
        return (next_random() % 5) * PAGE;
    return draw % 4 ? next_random() % 600 : next_random() % 64;
}

static void whatever_the_hints_say_what_was_put_is_taken(void **state)
{
    static struct model model;
    memset(&model, 0, sizeof model);
    begin(&model.shadow, state);
    for (int round = 0; round < 400000; round++) {
        size_t size = any_size(), grain = next_random() % GRAINS;
        size_t most = round / 50000 % 2 ? 100 : BLOCKS; /* full, and nearly empty again */
        if (model.count > most || (model.count && next_random() % 3 == 0))
            take(&model, next_random() % model.count);
        else if (model.count && next_random() % 4 == 0)
            shrink(&model, next_random() % model.count);
        else if (is_free(&model, grain, grains_of(size)))
            put(&model, grain, size, next_random() % 3);
        look_around(&model, round);
    }
    finish(&model);
}

/* As pymalloc does: an empty page becomes a pool of any class, or is malloc's for a while. */
static void put_in_pool(struct model *model, size_t page)
{
    if (!model->in_pool[page])
        model->pools[page] = next_random() % MP_POOL_MOST_GRAINS + 1;
    size_t grains = model->pools[page], room = (PAGE_GRAINS - HEADER / GRAIN) / grains;
    size_t grain = page * PAGE_GRAINS + HEADER / GRAIN + next_random() % room * grains;
    if (!is_free(model, grain, grains))
        return;
    put(model, grain, grains * GRAIN - next_random() % GRAIN, MP_SHADOW_IN_POOL);
    model->in_pool[page]++;
}

static void take_from_pool(struct model *model, size_t which)
{
    model->in_pool[model->alive[which].grain / PAGE_GRAINS]--;
    take(model, which);
}

static void pools_change_their_class_and_need_no_general_cells(void **state)
{
    static struct model model;
    memset(&model, 0, sizeof model);
    begin(&model.shadow, state);
    for (int round = 0; round < 400000; round++) {
        size_t page = next_random() % PAGES;
        size_t most = round / 10000 % 2 ? 20 : BLOCKS;
        if (model.count > most || (model.count && next_random() % 3 == 0))
            take_from_pool(&model, next_random() % model.count);
        else
            put_in_pool(&model, page);
        if (!model.in_pool[page] &&
            next_random() % 8 == 0) /* its arena goes, and comes again */
            mp_shadow_leave(&model.shadow, base + page * PAGE, PAGE);
        look_around(&model, round);
    }
    assert_int_equal(model.shadow.leaves.touched, 0);
    finish(&model);
}

static void what_was_watched_before_a_pool_was_known_still_tells(void **state)
{
    struct mp_shadow shadow;
    uintptr_t code = base + HEADER + 3 * 208, other = code + 208;
    begin(&shadow, state);
    assert_int_equal(mp_shadow_watch(&shadow, code), 0);
    assert_int_equal(mp_shadow_put(&shadow, other, 200, 7, MP_SHADOW_IN_POOL), 0);
    assert_int_equal(mp_shadow_watch(&shadow, other + 208), 0);
    struct mp_block block = mp_shadow_take(&shadow, code);
    assert_true(block.watched && !block.known);
    assert_false(mp_shadow_take(&shadow, code).watched);
    mp_shadow_unwatch(&shadow, other + 208);
    assert_false(mp_shadow_take(&shadow, other + 208).watched);
    assert_int_equal(mp_shadow_take(&shadow, other).size, 200);
    mp_shadow_release(&shadow);
}

static void add_resident(void *context, const void *at, size_t bytes)
{
    int64_t *resident = context;
    *resident += mp_pages_resident((uintptr_t)at, bytes, mp_pages_stride(0));
}

static int64_t resident(const struct mp_shadow *shadow)
{
    int64_t bytes = 0;
    mp_shadow_each(shadow, add_resident, &bytes);
    return bytes;
}

static void fill_pools(struct mp_shadow *shadow, size_t bytes, size_t size)
{
    for (uintptr_t page = base; page < base + bytes; page += PAGE)
        for (uintptr_t at = page + HEADER; at + size <= page + PAGE; at += size)
            assert_int_equal(mp_shadow_put(shadow, at, size, 1, MP_SHADOW_IN_POOL), 0);
}

static void empty_pools(struct mp_shadow *shadow, size_t bytes, size_t size)
{
    for (uintptr_t page = base; page < base + bytes; page += PAGE)
        for (uintptr_t at = page + HEADER; at + size <= page + PAGE; at += size)
            assert_true(mp_shadow_take(shadow, at).known);
}

/* Beside the tables of a shadow in which nothing is. */
static void a_pool_costs_four_bytes_a_block_and_gives_them_back_with_its_arena(void **state)
{
    struct mp_shadow shadow;
    begin(&shadow, state);
    fill_pools(&shadow, PAGE, 32);
    empty_pools(&shadow, PAGE, 32);
    int64_t none = resident(&shadow);
    for (size_t size = 32; size <= 512; size *= 2) {
        fill_pools(&shadow, 64 * MIB, size);
        int64_t cells = 64 * MIB / (int64_t)size * 4;
        assert_in_range(resident(&shadow) - none, cells * 9 / 10, cells * 13 / 10 + MIB);
        empty_pools(&shadow, 64 * MIB, size);
        mp_shadow_leave(&shadow, base, 64 * MIB);
        assert_in_range(resident(&shadow) - none, 0, MIB);
    }
    mp_shadow_release(&shadow);
}

/* Blocks of malloc: of 100 bytes, where pools have none. */
static void general_cells_are_given_back_when_their_blocks_are_gone(void **state)
{
    struct mp_shadow shadow;
    begin(&shadow, state);
    for (uintptr_t at = base; at < base + 64 * MIB; at += 112)
        assert_int_equal(mp_shadow_put(&shadow, at, 100, 1, MP_SHADOW_ANYWHERE), 0);
    assert_in_range(resident(&shadow), 16 * MIB, 18 * MIB);
    for (uintptr_t at = base; at < base + 64 * MIB; at += 112)
        if (at % 50)
            assert_true(mp_shadow_take(&shadow, at).known);
    mp_shadow_trim(&shadow);
    for (uintptr_t at = base; at < base + 64 * MIB; at += 112)
        if (at % 50 == 0)
            assert_int_equal(mp_shadow_take(&shadow, at).size, 100);
    mp_shadow_trim(&shadow);
    assert_in_range(resident(&shadow), 0, MIB);
    mp_shadow_release(&shadow);
}

/* Blocks of malloc of some KiB, of which a page has few. */
static void few_blocks_in_a_page_cost_little_and_give_it_back(void **state)
{
    struct mp_shadow shadow;
    begin(&shadow, state);
    for (uintptr_t at = base; at < base + 64 * MIB; at += 1504)
        assert_int_equal(mp_shadow_put(&shadow, at, 1500, 1, MP_SHADOW_ANYWHERE), 0);
    assert_in_range(resident(&shadow), 0, 2 * MIB);
    for (uintptr_t at = base; at < base + 64 * MIB; at += 1504)
        assert_int_equal(mp_shadow_take(&shadow, at).size, 1500);
    mp_shadow_trim(&shadow);
    assert_int_equal(shadow.leaves.touched, 0);
    mp_shadow_release(&shadow);
}

/* More than a list has: cells. */
static void fill_middle(struct mp_shadow *shadow, uintptr_t page)
{
    for (uintptr_t at = page + PAGE / 2; at < page + PAGE / 2 + 40 * 32; at += 32)
        assert_int_equal(mp_shadow_put(shadow, at, 20, 1, MP_SHADOW_ANYWHERE), 0);
}

static void empty_middle(struct mp_shadow *shadow, uintptr_t page)
{
    for (uintptr_t at = page + PAGE / 2; at < page + PAGE / 2 + 40 * 32; at += 32)
        assert_int_equal(mp_shadow_take(shadow, at).size, 20);
}

/* Its size is in the first cell of the page behind, in which there is no block. */
static void the_size_of_a_block_at_the_end_of_a_page_is_not_given_back(void **state)
{
    struct mp_shadow shadow;
    begin(&shadow, state);
    for (uintptr_t page = base; page < base + 64 * MIB; page += PAGE)
        fill_middle(&shadow, page);
    uintptr_t last = base + PAGE - GRAIN, huge = base + 64 * MIB - 2 * GRAIN;
    mp_shadow_put(&shadow, last, 200, 2, MP_SHADOW_ANYWHERE);
    mp_shadow_put(&shadow, huge, (size_t)5 << 32, 3, MP_SHADOW_ANYWHERE);
    for (uintptr_t page = base; page < base + 64 * MIB; page += PAGE)
        empty_middle(&shadow, page);
    mp_shadow_trim(&shadow);
    assert_in_range(shadow.leaves.touched, 2, 8);
    assert_int_equal(mp_shadow_take(&shadow, last).size, 200);
    assert_int_equal(mp_shadow_take(&shadow, huge).size, (size_t)5 << 32);
    mp_shadow_release(&shadow);
}

/* The state of a test is its counting filter. */
#define WITH_AND_WITHOUT(test) \
    cmocka_unit_test_prestate(test, NULL), cmocka_unit_test_prestate(test, &filter)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_AND_WITHOUT(whatever_the_hints_say_what_was_put_is_taken),
        WITH_AND_WITHOUT(pools_change_their_class_and_need_no_general_cells),
        WITH_AND_WITHOUT(what_was_watched_before_a_pool_was_known_still_tells),
        cmocka_unit_test(
            a_pool_costs_four_bytes_a_block_and_gives_them_back_with_its_arena),
        cmocka_unit_test(general_cells_are_given_back_when_their_blocks_are_gone),
        cmocka_unit_test(few_blocks_in_a_page_cost_little_and_give_it_back),
        cmocka_unit_test(the_size_of_a_block_at_the_end_of_a_page_is_not_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
