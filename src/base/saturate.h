/* Arithmetic on figures of a file, which may say anything: sums, differences and products stop at
 * the largest and the smallest number. */
#ifndef MP_BASE_SATURATE_H
#define MP_BASE_SATURATE_H

#include <stdint.h>

static inline int64_t mp_sum(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (a < 0 ? INT64_MIN : INT64_MAX) : sum;
}

static inline int64_t mp_difference(int64_t a, int64_t b)
{
    int64_t left;
    return __builtin_sub_overflow(a, b, &left) ? (a < 0 ? INT64_MIN : INT64_MAX) : left;
}

static inline int64_t mp_product(int64_t a, int64_t b)
{
    int64_t product;
    if (!__builtin_mul_overflow(a, b, &product))
        return product;
    return (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN;
}

static inline uint64_t mp_sum_unsigned(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline uint32_t mp_sum_short(uint32_t a, uint32_t b)
{
    uint32_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT32_MAX : sum;
}

#endif
