/* Exact totals and the exact peak, over hand-made histories and random ones. */
#include "unit.h"

#include <stdlib.h>

#include "capture/ledger.h"
#include "store/heap_file.h"

enum { STACKS = 8, BLOCKS = 500 };

struct books {
    struct mp_heap_file file;
    struct mp_ledger ledger;
    struct mp_heap_view view;
};

static void open_books(struct books *books)
{
    assert_int_equal(mp_heap_file_open(&books->file, -1, NULL), 0);
    assert_int_equal(mp_ledger_init(&books->ledger, &books->file.heap, NULL), 0);
    for (uint32_t i = 1; i <= STACKS; i++)
        assert_int_equal(mp_stacks_child(&books->ledger.stacks, 0, 0, i), i);
}

static void close_books(struct books *books)
{
    mp_ledger_release(&books->ledger);
    mp_heap_file_release(&books->file);
}

static void add(struct books *books, uintptr_t address, size_t size, uint32_t stack)
{
    mp_ledger_add(&books->ledger, books->file.heap.threads, address, size, stack);
}

static void take(struct books *books, uintptr_t address)
{
    struct mp_block block = mp_shadow_take(&books->ledger.shadow, address);
    assert_true(block.known);
    mp_ledger_remove(&books->ledger, books->file.heap.threads, address, &block, 0);
}

static int64_t at_peak(struct books *books, uint32_t stack)
{
    books->view = mp_heap_view_of(&books->file.heap);
    return mp_heap_at_peak(&books->view, &books->view.nodes[stack]);
}

static void what_is_freed_before_the_peak_is_not_in_it(void **state)
{
    (void)state;
    struct books books;
    open_books(&books);
    add(&books, 0x1000, 100, 1);
    take(&books, 0x1000);
    add(&books, 0x2000, 200, 2);
    add(&books, 0x3000, 300, 3);
    take(&books, 0x2000);
    add(&books, 0x4000, 50, 1);
    assert_int_equal(books.file.heap.header->peak, 500);
    assert_int_equal(at_peak(&books, 1), 0);
    assert_int_equal(at_peak(&books, 2), 200);
    assert_int_equal(at_peak(&books, 3), 300);
    assert_int_equal(mp_heap_blocks_at_peak(&books.view, &books.view.nodes[2]), 1);
    close_books(&books);
}

static void of_two_equal_peaks_the_first_counts(void **state)
{
    (void)state;
    struct books books;
    open_books(&books);
    add(&books, 0x1000, 100, 1);
    take(&books, 0x1000);
    add(&books, 0x1000, 100, 2);
    assert_int_equal(at_peak(&books, 1), 100);
    assert_int_equal(at_peak(&books, 2), 0);
    close_books(&books);
}

static void a_hundred_thousand_rising_peaks_end_in_the_last(void **state)
{
    (void)state;
    struct books books;
    open_books(&books);
    for (uintptr_t i = 0; i < 100000; i++)
        add(&books, 0x100000 + i * 16, 1, (uint32_t)(1 + i % STACKS));
    take(&books, 0x100000);
    assert_int_equal(books.file.heap.header->peak, 100000);
    for (uint32_t stack = 1; stack <= STACKS; stack++)
        assert_int_equal(at_peak(&books, stack), 100000 / STACKS);
    close_books(&books);
}

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

struct model {
    int64_t live[STACKS + 1], at_peak[STACKS + 1], all, peak;
    size_t size[BLOCKS];
    uint32_t stack[BLOCKS];
};

static void model_add(struct model *model, uint32_t stack, size_t size)
{
    model->live[stack] += (int64_t)size;
    model->all += (int64_t)size;
    if (model->all > model->peak) {
        model->peak = model->all;
        memcpy(model->at_peak, model->live, sizeof model->live);
    }
}

static void step(struct books *books, struct model *model)
{
    size_t at = next_random() % BLOCKS;
    uintptr_t address = 0x7f0000000000 + at * 4096;
    if (model->stack[at]) {
        take(books, address);
        model->live[model->stack[at]] -= (int64_t)model->size[at];
        model->all -= (int64_t)model->size[at];
        model->stack[at] = 0;
        return;
    }
    model->stack[at] = (uint32_t)(1 + next_random() % STACKS);
    model->size[at] = next_random() % 4096;
    add(books, address, model->size[at], model->stack[at]);
    model_add(model, model->stack[at], model->size[at]);
}

static void random_histories_agree_with_a_copy_at_each_peak(void **state)
{
    (void)state;
    struct books books;
    struct model model = {0};
    open_books(&books);
    for (int i = 0; i < 200000; i++) {
        step(&books, &model);
        if (i % 100)
            continue;
        assert_int_equal(books.file.heap.header->live, model.all);
        assert_int_equal(books.file.heap.header->peak, model.peak);
        for (uint32_t stack = 1; stack <= STACKS; stack++) {
            assert_int_equal(at_peak(&books, stack), model.at_peak[stack]);
            assert_int_equal(books.view.nodes[stack].live, model.live[stack]);
        }
    }
    close_books(&books);
}

static void a_full_file_charges_new_stacks_to_their_caller(void **state)
{
    (void)state;
    struct books books;
    open_books(&books);
    uint32_t parent = 1, last = 0;
    while (parent != last) {
        last = parent;
        parent = mp_stacks_child(&books.ledger.stacks, parent, 0, 7);
    }
    assert_true(last > 300000);
    assert_int_equal(mp_stacks_child(&books.ledger.stacks, 1, 0, 7), STACKS + 1);
    close_books(&books);
}

static void the_series_halves_and_keeps_its_order(void **state)
{
    (void)state;
    struct books books;
    open_books(&books);
    for (int i = 0; i < 5 * MP_HEAP_POINTS; i++)
        mp_ledger_note_time(&books.ledger, true);
    const struct mp_heap_series *series = &books.file.heap.header->series;
    const struct mp_heap_point *points = series->points[series->bank];
    assert_true(series->count[series->bank] >= MP_HEAP_POINTS / 2);
    for (uint32_t i = 1; i < series->count[series->bank]; i++)
        assert_true(points[i].time >= points[i - 1].time && points[i].rss > 0);
    close_books(&books);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_freed_before_the_peak_is_not_in_it),
        cmocka_unit_test(of_two_equal_peaks_the_first_counts),
        cmocka_unit_test(a_hundred_thousand_rising_peaks_end_in_the_last),
        cmocka_unit_test(random_histories_agree_with_a_copy_at_each_peak),
        cmocka_unit_test(a_full_file_charges_new_stacks_to_their_caller),
        cmocka_unit_test(the_series_halves_and_keeps_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
