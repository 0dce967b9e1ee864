/* Sampled sums are those of all blocks, on average, and what was added is taken away again. */
#include "unit.h"

#include <math.h>
#include <stdbool.h>

#include "capture/heap/accounting/sample.h"

enum { PERIOD = 1 << 16, RUNS = 400, BLOCKS = 4000 };

struct sums {
    double bytes, blocks;
};

/* Addresses as an allocator gives them: 16 apart, from somewhere. */
static struct sums sample_once(uint64_t seed, size_t size)
{
    struct mp_sample sample;
    struct sums sums = {0, 0};
    mp_sample_begin(&sample, PERIOD, seed);
    for (uintptr_t i = 0; i < BLOCKS; i++) {
        if (mp_sample_skips(&sample, size))
            continue;
        mp_sample_next(&sample, PERIOD);
        struct mp_weight weight =
            mp_sample_weight(PERIOD, 0x7f0000000000 + seed * 65536 + i * 16, size, seed);
        sums.bytes += (double)weight.bytes;
        sums.blocks += weight.alive;
    }
    return sums;
}

/* Within four standard errors of the mean: 1 in 16,000 fails by chance, and the seeds are fixed. */
static void check_size(size_t size)
{
    double truth = (double)size * BLOCKS, mean = 0, square = 0, blocks = 0;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        struct sums sums = sample_once(seed, size);
        mean += sums.bytes / RUNS;
        square += sums.bytes * sums.bytes / RUNS;
        blocks += sums.blocks / RUNS;
    }
    double deviation = sqrt(square - mean * mean), error = deviation / sqrt(RUNS);
    assert_true(fabs(mean - truth) <= 4 * error + 1);
    assert_true(fabs(blocks - BLOCKS) <= 4 * error / (double)size + 1);
    assert_true(deviation <= 1.2 * sqrt(PERIOD * truth) + 1); /* what the views say it is */
}

static void sums_of_every_size_are_right_on_average(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,      64,         1000,       PERIOD / 2,
                                   PERIOD, PERIOD * 3, PERIOD * 50};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_size(sizes[i]);
}

static void blocks_far_above_the_period_count_as_what_they_are(void **state)
{
    (void)state;
    struct mp_sample sample;
    mp_sample_begin(&sample, PERIOD, 7);
    for (int i = 0; i < 1000; i++) {
        assert_false(mp_sample_skips(&sample, (size_t)PERIOD * 64));
        mp_sample_next(&sample, PERIOD);
    }
    struct mp_weight weight =
        mp_sample_weight(PERIOD, 0x7f0000000010, (size_t)PERIOD * 64, 1);
    assert_int_equal(weight.bytes, (uint64_t)PERIOD * 64);
    assert_int_equal(weight.alive, 1);
    assert_int_equal(weight.counted, 1);
}

static void a_block_stands_for_the_same_at_its_end(void **state)
{
    (void)state;
    for (uintptr_t address = 0x1000; address < 0x3000; address += 16) {
        struct mp_weight begin = mp_sample_weight(PERIOD, address, PERIOD / 3, address);
        struct mp_weight end = mp_sample_weight(PERIOD, address, PERIOD / 3, address + 1);
        assert_int_equal(begin.bytes, end.bytes);
        assert_int_equal(begin.alive, end.alive);
    }
}

/* A block of 4/3 periods stands for 1.36: not for one each time, nor for two. */
static void blocks_that_follow_one_another_at_one_address_are_counted_right(void **state)
{
    (void)state;
    double blocks = 0, one = -1 / expm1(-4.0 / 3);
    for (uint64_t draw = 0; draw < BLOCKS; draw++)
        blocks += mp_sample_weight(PERIOD, 0x7f0000000010, PERIOD * 4 / 3, draw).counted;
    assert_true(fabs(blocks / BLOCKS - one) < 0.01);
}

/* As many as the file has room for. */
static void
a_byte_of_the_longest_period_stands_for_the_most_blocks_there_can_be(void **state)
{
    (void)state;
    struct mp_weight weight = mp_sample_weight((uint64_t)1 << 40, 0x7f0000000010, 1, 1);
    assert_int_equal(weight.alive, UINT32_MAX);
    assert_int_equal(weight.counted, UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_every_size_are_right_on_average),
        cmocka_unit_test(blocks_far_above_the_period_count_as_what_they_are),
        cmocka_unit_test(a_block_stands_for_the_same_at_its_end),
        cmocka_unit_test(blocks_that_follow_one_another_at_one_address_are_counted_right),
        cmocka_unit_test(
            a_byte_of_the_longest_period_stands_for_the_most_blocks_there_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
