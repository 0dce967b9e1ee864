#include "aggregate/heap/align.h"

#include <stdbool.h>
#include <stdlib.h>

/* Cells of one table, and of all: some tenths of a second. */
enum { MOST_CELLS = 4 << 20, MOST_SPENT = 64 << 20 };

/* What differs of two sequences: without their equal beginnings and ends. */
struct middle {
    const uint64_t *a, *b;
    size_t a_count, b_count;
    size_t b_from;
    uint32_t *pairs; /* of a's */
};

void mp_align_release(struct mp_align *align)
{
    free(align->table);
    *align = (struct mp_align){0};
}

static struct middle trim(const uint64_t *a, size_t a_count, const uint64_t *b,
                          size_t b_count, uint32_t *pairs)
{
    size_t from = 0;
    while (from < a_count && from < b_count && a[from] == b[from]) {
        pairs[from] = (uint32_t)from + 1;
        from++;
    }
    while (a_count > from && b_count > from && a[a_count - 1] == b[b_count - 1])
        pairs[--a_count] = (uint32_t)b_count--;
    return (struct middle){a + from,       b + from, a_count - from,
                           b_count - from, from,     pairs + from};
}

/* 0, or -1 with errno ENOMEM; `table` NULL then, and where it would be too large. */
static int take_table(struct mp_align *align, const struct middle *middle, uint16_t **table)
{
    size_t wide = middle->b_count + 1, high = middle->a_count + 1;
    *table = NULL;
    if (wide > UINT16_MAX || high > UINT16_MAX || wide * high > MOST_CELLS ||
        align->spent + wide * high > MOST_SPENT)
        return 0;
    align->spent += wide * high;
    if (wide * high > align->room) {
        free(align->table);
        align->room = 0;
        if (!(align->table = malloc(wide * high * sizeof *align->table)))
            return -1;
        align->room = wide * high;
    }
    *table = align->table;
    return 0;
}

/* Cell (i, j): how long what a has from i on and b from j on have in common is. */
static void fill(const struct middle *middle, uint16_t *table)
{
    size_t wide = middle->b_count + 1;
    for (size_t j = 0; j < wide; j++)
        table[middle->a_count * wide + j] = 0;
    for (size_t i = middle->a_count; i-- > 0;) {
        uint16_t *row = table + i * wide, *below = row + wide;
        row[middle->b_count] = 0;
        for (size_t j = middle->b_count; j-- > 0;)
            if (middle->a[i] == middle->b[j])
                row[j] = (uint16_t)(below[j + 1] + 1);
            else
                row[j] = below[j] > row[j + 1] ? below[j] : row[j + 1];
    }
}

/* Between two pairs: one for one, where they are as many. */
static void pair_gap(const struct middle *middle, size_t i, size_t i_end, size_t j,
                     size_t j_end)
{
    if (i_end - i == j_end - j)
        while (i < i_end)
            middle->pairs[i++] = (uint32_t)(middle->b_from + ++j);
}

static void follow(const struct middle *middle, const uint16_t *table)
{
    size_t wide = middle->b_count + 1, i = 0, j = 0, gap_i = 0, gap_j = 0;
    while (i < middle->a_count && j < middle->b_count) {
        if (middle->a[i] == middle->b[j]) {
            pair_gap(middle, gap_i, i, gap_j, j);
            middle->pairs[i++] = (uint32_t)(middle->b_from + ++j);
            gap_i = i;
            gap_j = j;
        } else if (table[(i + 1) * wide + j] >= table[i * wide + j + 1]) {
            i++;
        } else {
            j++;
        }
    }
    pair_gap(middle, gap_i, middle->a_count, gap_j, middle->b_count);
}

int mp_align(struct mp_align *align, const uint64_t *a, size_t a_count, const uint64_t *b,
             size_t b_count, uint32_t *pairs)
{
    uint16_t *table;
    for (size_t i = 0; i < a_count; i++)
        pairs[i] = 0;
    struct middle middle = trim(a, a_count, b, b_count, pairs);
    if (!middle.a_count || !middle.b_count)
        return 0;
    if (take_table(align, &middle, &table))
        return -1;
    if (!table)
        return 0;
    fill(&middle, table);
    follow(&middle, table);
    return 0;
}
