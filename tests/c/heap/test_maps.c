/* The interval map of mappings: large, full, and with what the kernel cannot show. What the kernel
   can show is compared in tests/python/test_maps.py. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "capture/heap/native/maps.h"

enum { MANY = 100000, PAGE = 4096 };

static int64_t reported[4];

static void note(void *context, uint32_t stack, enum mp_map_kind kind, int64_t bytes)
{
    (void)context, (void)kind;
    reported[stack % 4] += bytes;
}

static uintptr_t at(int i)
{
    return (uintptr_t)0x10000000000 + (uintptr_t)i * PAGE;
}

static struct mp_maps start(void)
{
    struct mp_maps maps;
    memset(reported, 0, sizeof reported);
    assert_int_equal(mp_maps_init(&maps, note, NULL), 0);
    return maps;
}

static int depth(const struct mp_maps *maps, uint32_t tree)
{
    if (!tree)
        return 0;
    int left = depth(maps, maps->nodes[tree].left);
    int right = depth(maps, maps->nodes[tree].right);
    return 1 + (left > right ? left : right);
}

static void a_hundred_thousand_maps_are_found_in_a_few_steps(void **state)
{
    (void)state;
    struct mp_maps maps = start();
    for (int i = 0; i < MANY; i++) {
        int page = (int)((int64_t)i * 7919 % MANY);
        mp_maps_map(&maps, at(page * 2), PAGE, (uint32_t)page % 4, MP_MAP_ANONYMOUS,
                    PROT_READ);
    }
    assert_int_equal(reported[0] + reported[1] + reported[2] + reported[3],
                     (int64_t)MANY * PAGE);
    assert_true(depth(&maps, maps.root) < 60); /* 17 at best; a list would be 100000 */
    for (int i = 0; i < MANY; i += 2)
        mp_maps_unmap(&maps, at(i * 2), PAGE);
    assert_int_equal(reported[1] + reported[3], (int64_t)MANY / 2 * PAGE);
    assert_int_equal(reported[0] + reported[2], 0);
    mp_maps_unmap(&maps, at(0), (size_t)MANY * 2 * PAGE);
    assert_int_equal(reported[1] + reported[3], 0);
    assert_int_equal(maps.root, 0);
    mp_maps_release(&maps);
}

static void room_of_intervals_that_are_gone_is_used_again(void **state)
{
    (void)state;
    struct mp_maps maps = start();
    for (int i = 0; i < MANY; i++) {
        mp_maps_map(&maps, at(i), 3 * PAGE, 1, MP_MAP_ANONYMOUS, PROT_READ);
        mp_maps_unmap(&maps, at(i + 1), PAGE);
        mp_maps_unmap(&maps, at(i), 3 * PAGE);
    }
    assert_true(maps.room <= 1024);
    assert_int_equal(reported[1], 0);
    mp_maps_release(&maps);
}

static void without_memory_nothing_changes(void **state)
{
    (void)state;
    struct mp_maps maps = start();
    struct rlimit old, none = {0, 0};
    int noted = 0, failed = 0;
    getrlimit(RLIMIT_AS, &old);
    none.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_AS, &none);
    for (int i = 0; i < 3000 && !failed; i++, noted += !failed)
        failed = mp_maps_map(&maps, at(i * 2), PAGE, 1, MP_MAP_ANONYMOUS, PROT_READ);
    int reason = errno;
    setrlimit(RLIMIT_AS, &old);
    assert_int_equal(failed, -1);
    assert_int_equal(reason, ENOMEM);
    assert_int_equal(reported[1], (int64_t)noted * PAGE);
    assert_int_equal(mp_maps_unmap(&maps, at(0), (size_t)6000 * PAGE), 0);
    assert_int_equal(reported[1], 0);
    mp_maps_release(&maps);
}

static void faults_50_growth_belongs_to_who_asked_for_it(void **state)
{
    (void)state;
    struct mp_maps maps = start();
    mp_maps_map(&maps, at(0), 4 * MIB, 1, MP_MAP_ANONYMOUS, PROT_READ | PROT_WRITE);
    mp_maps_remap(&maps, &(struct mp_maps_remap){.old = at(0),
                                                 .new = at(100000),
                                                 .old_length = 4 * MIB,
                                                 .new_length = 40 * MIB,
                                                 .flags = MREMAP_MAYMOVE,
                                                 .stack = 2});
    assert_int_equal(reported[1], 4 * MIB);
    assert_int_equal(reported[2], 36 * MIB);
    mp_maps_unmap(&maps, at(100000), 40 * MIB);
    assert_int_equal(reported[1], 0);
    assert_int_equal(reported[2], 0);
    mp_maps_release(&maps);
}

static void a_mapping_from_before_counts_from_where_it_grew(void **state)
{
    (void)state;
    struct mp_maps maps = start();
    mp_maps_unmap(&maps, at(500), MIB);
    mp_maps_remap(&maps, &(struct mp_maps_remap){.old = at(0),
                                                 .new = at(0),
                                                 .old_length = MIB,
                                                 .new_length = 3 * MIB,
                                                 .stack = 2});
    assert_int_equal(reported[2], 2 * MIB);
    mp_maps_unmap(&maps, at(0), 3 * MIB);
    assert_int_equal(reported[2], 0);
    mp_maps_release(&maps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_thousand_maps_are_found_in_a_few_steps),
        cmocka_unit_test(room_of_intervals_that_are_gone_is_used_again),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(faults_50_growth_belongs_to_who_asked_for_it),
        cmocka_unit_test(a_mapping_from_before_counts_from_where_it_grew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
