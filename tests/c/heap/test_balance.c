/* The balance sheet: pages that are asked for, and what a reading adds up to. */
#include "unit.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aggregate/heap/balance.h"
#include "capture/heap/accounting/large.h"
#include "capture/heap/balance/balance.h"
#include "capture/process/pages.h"

enum { PAGES = 1 << 16 };

static size_t page;

static char *map(void)
{
    char *pages = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    madvise(pages, PAGES * page, MADV_NOHUGEPAGE);
    return pages;
}

static void touch(char *pages, size_t from, size_t to, size_t step)
{
    for (size_t i = from; i < to; i += step)
        pages[i * page] = 1;
}

static void pages_never_touched_are_absent(void **state)
{
    (void)state;
    char *pages = map();
    size_t every = mp_pages_stride(0);
    touch(pages, 100, 300, 1);
    uintptr_t at = (uintptr_t)pages;
    assert_int_equal(mp_pages_resident(at, PAGES * page, every), 200 * page);
    assert_int_equal(mp_pages_absent(at, PAGES * page, every), (PAGES - 200) * page);
    /* Only whole pages count: both ends of a block are its neighbours' too. */
    assert_int_equal(mp_pages_absent(at + 16, 3 * page, every), 2 * page);
    assert_int_equal(mp_pages_absent(at + 16, page, every), 0);
    munmap(pages, PAGES * page);
}

static void what_is_not_mapped_is_not_called_absent(void **state)
{
    (void)state;
    char *pages = map();
    munmap(pages, PAGES * page);
    assert_int_equal(mp_pages_resident((uintptr_t)pages, PAGES * page, mp_pages_stride(0)),
                     -1);
    assert_int_equal(mp_pages_absent((uintptr_t)pages, PAGES * page, mp_pages_stride(0)),
                     0);
}

static void a_sample_is_near_the_whole_whatever_its_period(void **state)
{
    (void)state;
    size_t stride = mp_pages_stride(PAGES * page);
    assert_true(stride > mp_pages_stride(0));
    for (size_t period = 1; period <= 64; period *= 2) {
        char *pages = map();
        for (size_t i = 0; i < PAGES; i += 2 * period)
            touch(pages, i, i + period, 1);
        int64_t resident = mp_pages_resident((uintptr_t)pages, PAGES * page, stride);
        assert_in_range(resident, PAGES * page / 4, PAGES * page * 3 / 4);
        munmap(pages, PAGES * page);
    }
}

/* Untouched ones count by far more than they hold: none may be missing. */
static void some_hundred_large_blocks_are_all_known(void **state)
{
    (void)state;
    enum { BLOCKS = 500 };
    static struct mp_large large;
    struct mp_shadow shadow;
    int known = 0;
    assert_int_equal(mp_shadow_init(&shadow, NULL), 0);
    for (uintptr_t i = 1; i <= BLOCKS; i++)
        assert_int_equal(
            mp_shadow_put(&shadow, i << 26, (size_t)12 << 20, 1, MP_SHADOW_ANYWHERE), 0);
    for (int times = 0; times < 2; times++) /* as after a change of its size */
        for (uintptr_t i = 1; i <= BLOCKS; i++)
            mp_large_note(&large, &shadow, i << 26, (size_t)12 << 20);
    for (int i = 0; i < MP_LARGE_PLACES; i++)
        known += large.blocks[i] != 0;
    assert_int_equal(known, BLOCKS);
    mp_shadow_release(&shadow);
}

static void of_large_blocks_for_a_place_the_largest_stay(void **state)
{
    (void)state;
    static struct mp_large large;
    struct mp_shadow shadow;
    assert_int_equal(mp_shadow_init(&shadow, NULL), 0);
    for (uintptr_t i = 1; i <= 100000; i++) {
        uintptr_t address = i << 20;
        size_t size = i == 7 ? (size_t)5 << 32 : 1 << 16;
        assert_int_equal(mp_shadow_put(&shadow, address, size, 1, MP_SHADOW_ANYWHERE), 0);
        mp_large_note(&large, &shadow, address, size);
    }
    int found = 0;
    for (int i = 0; i < MP_LARGE_PLACES; i++)
        found += large.blocks[i] == 7 << 20;
    assert_int_equal(found, 1);
    assert_int_equal(mp_shadow_size(&shadow, 7 << 20), (size_t)5 << 32);
    mp_shadow_take(&shadow, 7 << 20);
    assert_int_equal(mp_shadow_size(&shadow, 7 << 20), 0);
    mp_shadow_release(&shadow);
}

static void the_maps_have_a_stack_and_data_of_libraries(void **state)
{
    (void)state;
    struct mp_heap_balance balance = mp_balance_none();
    mp_balance_read_maps(&balance, NULL);
    assert_true(balance.stacks > 0);
    assert_true(balance.libraries > 0);
    assert_true(balance.libraries < 64 << 20);
}

static int64_t sum_of(const struct mp_heap_sheet *sheet)
{
    int64_t sum = 0;
    for (int part = 0; part < MP_HEAP_PARTS; part++)
        sum += sheet->parts[part];
    return sum;
}

static struct mp_heap_header header;
static const struct mp_heap_view view = {.header = &header};

static void the_parts_and_the_remainder_are_the_rss(void **state)
{
    (void)state;
    static const int64_t values[] = {0,       -1,        1,         4096,
                                     1 << 20, INT64_MAX, INT64_MIN, 1ll << 56};
    enum { VALUES = sizeof values / sizeof *values };
    int64_t *fields = (int64_t *)&header.balance[MP_HEAP_AT_END];
    size_t count = sizeof header.balance[0] / sizeof *fields;
    for (unsigned seed = 1; seed < 20000; seed++) {
        unsigned random = seed * 2654435761u;
        for (size_t i = 0; i < count; i++) {
            random = random * 1664525 + 1013904223;
            fields[i] = values[(random >> 16) % VALUES];
        }
        struct mp_heap_sheet sheet = mp_heap_sheet(&view, MP_HEAP_AT_END);
        if (sheet.rss)
            assert_int_equal(sum_of(&sheet), sheet.rss);
        assert_true(sheet.rss >= 0);
    }
}

static void what_is_not_known_is_in_the_remainder(void **state)
{
    (void)state;
    header.balance[MP_HEAP_AT_END] = mp_balance_none();
    assert_int_equal(mp_heap_sheet(&view, MP_HEAP_AT_END).rss, 0);
    header.balance[MP_HEAP_AT_END].rss = 1000;
    header.balance[MP_HEAP_AT_END].heap = 300;
    struct mp_heap_sheet sheet = mp_heap_sheet(&view, MP_HEAP_AT_END);
    assert_int_equal(sheet.parts[MP_HEAP_PART_LIVE], 300);
    assert_int_equal(sheet.parts[MP_HEAP_PART_REMAINDER], 700);
    assert_false(sheet.known[MP_HEAP_PART_POOLS]);
    assert_false(sheet.known[MP_HEAP_PART_FREE]);
    assert_false(sheet.known[MP_HEAP_PART_STACKS]);
}

static void several_processes_have_no_sheet(void **state)
{
    (void)state;
    struct mp_heap_view merged = {.header = &header, .processes = 2};
    header.balance[MP_HEAP_AT_END] = mp_balance_none();
    header.balance[MP_HEAP_AT_END].rss = 1000;
    assert_int_equal(mp_heap_sheet(&merged, MP_HEAP_AT_END).rss, 0);
    merged.processes = 1;
    assert_int_equal(mp_heap_sheet(&merged, MP_HEAP_AT_END).rss, 1000);
}

static void without_pymalloc_small_blocks_are_mallocs(void **state)
{
    (void)state;
    struct mp_heap_balance *read = &header.balance[MP_HEAP_AT_END];
    *read = mp_balance_none();
    read->rss = 1 << 20;
    read->heap = 5000;
    read->small = 3000;
    read->mapped = 0;
    read->absent = 0;
    read->malloc_used = 6000;
    read->arenas = 0;
    struct mp_heap_sheet sheet = mp_heap_sheet(&view, MP_HEAP_AT_END);
    assert_int_equal(sheet.parts[MP_HEAP_PART_OTHER], 1000);
    read->arenas = 10000;
    read->pooled = 3500;
    sheet = mp_heap_sheet(&view, MP_HEAP_AT_END);
    assert_int_equal(sheet.parts[MP_HEAP_PART_POOLS], 6500);
    assert_int_equal(sheet.parts[MP_HEAP_PART_OTHER], 500 + 4000);
}

int main(void)
{
    page = (size_t)sysconf(_SC_PAGESIZE);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_never_touched_are_absent),
        cmocka_unit_test(what_is_not_mapped_is_not_called_absent),
        cmocka_unit_test(a_sample_is_near_the_whole_whatever_its_period),
        cmocka_unit_test(some_hundred_large_blocks_are_all_known),
        cmocka_unit_test(of_large_blocks_for_a_place_the_largest_stay),
        cmocka_unit_test(the_maps_have_a_stack_and_data_of_libraries),
        cmocka_unit_test(the_parts_and_the_remainder_are_the_rss),
        cmocka_unit_test(what_is_not_known_is_in_the_remainder),
        cmocka_unit_test(several_processes_have_no_sheet),
        cmocka_unit_test(without_pymalloc_small_blocks_are_mallocs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
