/* Exact totals and the exact peak, over hand-made histories and random ones. */
#include "unit.h"

#include <stdlib.h>

#include "aggregate/heap/series.h"
#include "capture/heap/accounting/ledger.h"
#include "store/heap/file.h"

enum { STACKS = 8, BLOCKS = 500 };

struct accounts {
    struct mp_heap_file file;
    struct mp_ledger ledger;
    struct mp_heap_view view;
};

static void open_accounts(struct accounts *accounts)
{
    assert_int_equal(mp_heap_file_open(&accounts->file, -1, NULL, 0), 0);
    assert_int_equal(mp_ledger_init(&accounts->ledger, &accounts->file.heap, NULL), 0);
    for (uint32_t i = 1; i <= STACKS; i++)
        assert_int_equal(
            mp_stacks_child(&accounts->ledger.stacks, 0, 0, i, MP_HEAP_FOR_LINES), i);
}

static void close_accounts(struct accounts *accounts)
{
    mp_ledger_release(&accounts->ledger);
    mp_heap_file_release(&accounts->file);
}

static void add(struct accounts *accounts, uintptr_t address, size_t size, uint32_t stack)
{
    mp_ledger_add(&accounts->ledger, accounts->file.heap.threads, address, size, stack,
                  MP_SHADOW_ANYWHERE);
}

static void take(struct accounts *accounts, uintptr_t address)
{
    struct mp_block block = mp_shadow_take(&accounts->ledger.shadow, address);
    assert_true(block.known);
    mp_ledger_remove(&accounts->ledger, accounts->file.heap.threads, address, &block, 0);
}

static int64_t at_peak(struct accounts *accounts, uint32_t stack)
{
    accounts->view = mp_heap_view_of(&accounts->file.heap);
    return mp_heap_at_peak(&accounts->view, &accounts->view.nodes[stack]);
}

static void what_is_freed_before_the_peak_is_not_in_it(void **state)
{
    (void)state;
    struct accounts accounts;
    open_accounts(&accounts);
    add(&accounts, 0x1000, 100, 1);
    take(&accounts, 0x1000);
    add(&accounts, 0x2000, 200, 2);
    add(&accounts, 0x3000, 300, 3);
    take(&accounts, 0x2000);
    add(&accounts, 0x4000, 50, 1);
    assert_int_equal(accounts.file.heap.header->peak, 500);
    assert_int_equal(at_peak(&accounts, 1), 0);
    assert_int_equal(at_peak(&accounts, 2), 200);
    assert_int_equal(at_peak(&accounts, 3), 300);
    assert_int_equal(mp_heap_blocks_at_peak(&accounts.view, &accounts.view.nodes[2]), 1);
    close_accounts(&accounts);
}

static void of_two_equal_peaks_the_first_counts(void **state)
{
    (void)state;
    struct accounts accounts;
    open_accounts(&accounts);
    add(&accounts, 0x1000, 100, 1);
    take(&accounts, 0x1000);
    add(&accounts, 0x1000, 100, 2);
    assert_int_equal(at_peak(&accounts, 1), 100);
    assert_int_equal(at_peak(&accounts, 2), 0);
    close_accounts(&accounts);
}

static void a_hundred_thousand_rising_peaks_end_in_the_last(void **state)
{
    (void)state;
    struct accounts accounts;
    open_accounts(&accounts);
    for (uintptr_t i = 0; i < 100000; i++)
        add(&accounts, 0x100000 + i * 16, 1, (uint32_t)(1 + i % STACKS));
    take(&accounts, 0x100000);
    assert_int_equal(accounts.file.heap.header->peak, 100000);
    for (uint32_t stack = 1; stack <= STACKS; stack++)
        assert_int_equal(at_peak(&accounts, stack), 100000 / STACKS);
    close_accounts(&accounts);
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

static void step(struct accounts *accounts, struct model *model)
{
    size_t at = next_random() % BLOCKS;
    uintptr_t address = 0x7f0000000000 + at * 4096;
    if (model->stack[at]) {
        take(accounts, address);
        model->live[model->stack[at]] -= (int64_t)model->size[at];
        model->all -= (int64_t)model->size[at];
        model->stack[at] = 0;
        return;
    }
    model->stack[at] = (uint32_t)(1 + next_random() % STACKS);
    model->size[at] = next_random() % 4096;
    add(accounts, address, model->size[at], model->stack[at]);
    model_add(model, model->stack[at], model->size[at]);
}

static void random_histories_agree_with_a_copy_at_each_peak(void **state)
{
    (void)state;
    struct accounts accounts;
    struct model model = {0};
    open_accounts(&accounts);
    for (int i = 0; i < 200000; i++) {
        step(&accounts, &model);
        if (i % 100)
            continue;
        assert_int_equal(accounts.file.heap.header->live, model.all);
        assert_int_equal(accounts.file.heap.header->peak, model.peak);
        for (uint32_t stack = 1; stack <= STACKS; stack++) {
            assert_int_equal(at_peak(&accounts, stack), model.at_peak[stack]);
            assert_int_equal(accounts.view.nodes[stack].live, model.live[stack]);
        }
    }
    close_accounts(&accounts);
}

static void a_full_file_charges_new_stacks_to_their_caller(void **state)
{
    (void)state;
    struct accounts accounts;
    open_accounts(&accounts);
    struct mp_stacks *stacks = &accounts.ledger.stacks;
    uint32_t counts[MP_HEAP_FOR_LINES + 1], parent = 1;
    for (int share = 0; share <= MP_HEAP_FOR_LINES; share++) {
        uint32_t last = parent;
        while ((parent = mp_stacks_child(stacks, last, 0, 7, (enum mp_heap_for)share)))
            last = parent;
        counts[share] = parent = last;
    }
    const uint32_t all = counts[MP_HEAP_FOR_LINES];
    assert_true(all > 1000000);
    assert_in_range(counts[MP_HEAP_FOR_IMPORTS], all * 0.49, all * 0.51);
    assert_in_range(counts[MP_HEAP_FOR_LIBRARY], all * 0.74, all * 0.76);
    assert_in_range(counts[MP_HEAP_FOR_PROGRAM], all * 0.86, all * 0.89);
    assert_int_equal(mp_stacks_child(stacks, 1, 0, 7, MP_HEAP_FOR_IMPORTS), STACKS + 1);
    close_accounts(&accounts);
}

static const struct mp_heap_point *series_of(const struct accounts *accounts,
                                             uint32_t *count)
{
    const struct mp_heap_series *series = &accounts->file.heap.header->series;
    *count = series->count[series->bank];
    return series->points[series->bank];
}

static void the_series_keeps_its_order_however_often_it_is_full(void **state)
{
    (void)state;
    struct accounts accounts;
    uint32_t count;
    open_accounts(&accounts);
    for (int i = 0; i < 5 * MP_HEAP_POINTS; i++)
        mp_ledger_note_time(&accounts.ledger, true);
    const struct mp_heap_point *points = series_of(&accounts, &count);
    for (uint32_t i = 1; i < count; i++)
        assert_true(points[i].time >= points[i - 1].time && points[i].rss > 0);
    close_accounts(&accounts);
}

static int64_t last_heap(const struct accounts *accounts)
{
    uint32_t count;
    const struct mp_heap_point *points = series_of(accounts, &count);
    return points[count - 1].heap;
}

/* The last point stands until the next, however long the program does nothing. */
static void faults_79_the_series_ends_in_what_is_live(void **state)
{
    (void)state;
    struct accounts accounts;
    open_accounts(&accounts);
    add(&accounts, 0x1000000, 200 << 20, 1);
    assert_int_equal(last_heap(&accounts), 200 << 20);
    assert_true(!mp_ledger_has_changed(&accounts.ledger));
    take(&accounts, 0x1000000);
    assert_true(mp_ledger_has_changed(&accounts.ledger));
    mp_ledger_note_time(&accounts.ledger, false);
    assert_int_equal(last_heap(&accounts), 0);
    accounts.view = mp_heap_view_of(&accounts.file.heap);
    assert_int_equal(mp_heap_marks(&accounts.view).peak->heap, 200 << 20);
    for (uintptr_t i = 0; i < 200; i++) { /* each is small, together they are not */
        add(&accounts, 0x2000000 + (i << 16), 40000, 2);
        assert_true(accounts.file.heap.header->live - last_heap(&accounts) <
                    MP_LEDGER_LARGE);
    }
    for (uintptr_t i = 0; i < 200; i++) {
        take(&accounts, 0x2000000 + (i << 16));
        if (mp_ledger_has_changed(&accounts.ledger))
            mp_ledger_note_time(&accounts.ledger, false);
        assert_true(last_heap(&accounts) - accounts.file.heap.header->live <
                    MP_LEDGER_LARGE);
    }
    close_accounts(&accounts);
}

/* A million points of a heap that is 10, but once 1000 and once 3, and 10 to 12 at the end of a
   long idle time: what a picture of it needs is kept. */
static void faults_79_a_full_series_keeps_both_extremes_and_idle_time(void **state)
{
    (void)state;
    static struct mp_heap_series series;
    enum { COUNT = 1000000, HIGH = 123456, LOW = 765432 };
    series = (struct mp_heap_series){.interval = 10};
    for (int64_t i = 0; i < COUNT; i++) {
        int64_t heap = i == HIGH ? 1000 : i == LOW ? 3 : 10 + i % 3;
        mp_heap_series_add(&series, (struct mp_heap_point){i * 7, i == LOW ? 9 : 5, heap},
                           1000);
    }
    mp_heap_series_add(&series, (struct mp_heap_point){COUNT * 70, 5, 77}, 1000);
    uint32_t count = series.count[series.bank], high = 0, low = 0;
    const struct mp_heap_point *points = series.points[series.bank];
    assert_true(count > MP_HEAP_POINTS / 8 && count <= MP_HEAP_POINTS);
    for (uint32_t i = 0; i < count; i++) {
        high = points[i].heap > points[high].heap ? i : high;
        low = points[i].heap < points[low].heap ? i : low;
        assert_true(!i || points[i].time >= points[i - 1].time);
    }
    assert_int_equal(points[high].heap, 1000);
    assert_int_equal(points[high].time, HIGH * 7);
    assert_true(points[high + 1].heap <= 12);
    assert_int_equal(points[low].time, LOW * 7);
    assert_int_equal(points[low].rss, 9);
    assert_int_equal(points[count - 1].heap, 77);
    assert_int_equal(points[count - 2].time, (COUNT - 1) * 7);
    assert_int_equal(points[count - 2].heap, 10 + (COUNT - 1) % 3);
}

static int64_t heap_at(const struct mp_heap_series *series, int64_t time)
{
    const struct mp_heap_point *points = series->points[series->bank];
    int64_t heap = 0;
    for (uint32_t i = 0; i < series->count[series->bank] && points[i].time <= time; i++)
        heap = points[i].heap;
    return heap;
}

/* Twice nearly as much in one stretch, each in small steps: what was so is known at any time. */
static void a_stretch_keeps_both_ends_of_each_rise(void **state)
{
    (void)state;
    enum { HIGH = 50 << 20, STRETCH = 10000000 };
    static struct mp_heap_series series;
    series = (struct mp_heap_series){.interval = STRETCH};
    for (int64_t i = 0; i < 1000; i++) {
        bool first = i >= 100 && i < 300, second = i >= 500 && i < 800;
        int64_t more = i % 3 * 30000;
        int64_t heap = first ? HIGH + more : second ? HIGH + 2 * MIB + more : MIB + more;
        mp_heap_series_add(&series, (struct mp_heap_point){i * 10000, 5, heap}, 55 * MIB);
    }
    assert_true(series.count[0] <= MP_HEAP_STAY);
    for (int64_t i = 0; i < 1000; i++) {
        bool first = i >= 100 && i < 300, second = i >= 500 && i < 800;
        int64_t heap = first ? HIGH : second ? HIGH + 2 * MIB : MIB;
        assert_in_range(heap_at(&series, i * 10000), heap - MIB / 4, heap + MIB / 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stretch_keeps_both_ends_of_each_rise),
        cmocka_unit_test(what_is_freed_before_the_peak_is_not_in_it),
        cmocka_unit_test(of_two_equal_peaks_the_first_counts),
        cmocka_unit_test(a_hundred_thousand_rising_peaks_end_in_the_last),
        cmocka_unit_test(random_histories_agree_with_a_copy_at_each_peak),
        cmocka_unit_test(a_full_file_charges_new_stacks_to_their_caller),
        cmocka_unit_test(the_series_keeps_its_order_however_often_it_is_full),
        cmocka_unit_test(faults_79_the_series_ends_in_what_is_live),
        cmocka_unit_test(faults_79_a_full_series_keeps_both_extremes_and_idle_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
