#include "aggregate/heap/spread.h"

#include <stdbool.h>
#include <stdlib.h>

#include "aggregate/heap/charged.h"
#include "base/saturate.h"

/* By the numbers of lines. */
struct summing {
    const struct mp_heap_merge *merge;
    const struct mp_heap_lines *lines;
    struct mp_heap_charged charged;
    int64_t *sums;  /* owned */
    uint32_t *rows; /* owned; + 1, 0: it has none */
};

static int begin(struct summing *summing)
{
    size_t count = summing->lines->numbers + 1;
    summing->sums = calloc(count, sizeof *summing->sums);
    summing->rows = calloc(count, sizeof *summing->rows);
    if (mp_heap_charged_init(&summing->charged, summing->lines) || !summing->sums ||
        !summing->rows)
        return -1;
    for (size_t i = 0; i < summing->merge->share_count; i++) {
        const struct mp_heap_share *share = &summing->merge->shares[i];
        int64_t *sum = &summing->sums[mp_heap_charged_to(&summing->charged, share->node)];
        *sum = mp_sum(*sum, share->bytes);
    }
    return 0;
}

static int by_sum(const void *left, const void *right, void *context)
{
    const int64_t *sums = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return sums[a] != sums[b] ? (sums[a] < sums[b] ? 1 : -1) : (a > b) - (a < b);
}

/* Rows for the lines that held most. */
static int choose(struct summing *summing, struct mp_heap_spread *spread)
{
    size_t numbers = summing->lines->numbers, count = 0;
    uint32_t *order = calloc(numbers + 1, sizeof *order);
    for (uint32_t i = 1; order && i <= numbers; i++)
        if (summing->sums[i] && mp_heap_charged_line(&summing->charged, i))
            order[count++] = i;
    if (count)
        qsort_r(order, count, sizeof *order, by_sum, summing->sums);
    count = count < MP_HEAP_SPREAD_LINES ? count : MP_HEAP_SPREAD_LINES;
    spread->rows = calloc(count + 1, sizeof *spread->rows);
    spread->table = calloc(count * spread->groups + 1, sizeof *spread->table);
    if (!order || !spread->rows || !spread->table) {
        free(order);
        return -1;
    }
    for (; spread->count < count; spread->count++) {
        const struct mp_heap_line *line =
            mp_heap_charged_line(&summing->charged, order[spread->count]);
        spread->rows[spread->count] =
            (struct mp_heap_spread_row){.code = line->code,
                                        .line = line->line,
                                        .users = line->users,
                                        .importing = line->importing,
                                        .sum = summing->sums[order[spread->count]]};
        summing->rows[order[spread->count]] = (uint32_t)spread->count + 1;
    }
    free(order);
    return 0;
}

static void fill(const struct summing *summing, const struct mp_heap_spread *spread,
                 const size_t *groups_of)
{
    for (size_t i = 0; i < summing->merge->share_count; i++) {
        const struct mp_heap_share *share = &summing->merge->shares[i];
        uint32_t row = summing->rows[mp_heap_charged_to(&summing->charged, share->node)];
        if (!row)
            continue;
        int64_t *cell =
            &spread->table[(row - 1) * spread->groups + groups_of[share->process]];
        *cell = mp_sum(*cell, share->bytes);
    }
}

static int by_bytes(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* Of an even number of groups the lower of the two in the middle. */
static void measure(struct mp_heap_spread_row *row, int64_t *sorted, size_t groups)
{
    for (size_t i = 0; i < groups; i++) {
        sorted[i] = row->held[i];
        if (row->held[i] > row->most) {
            row->most = row->held[i];
            row->who = i;
        }
    }
    qsort(sorted, groups, sizeof *sorted, by_bytes);
    row->median = sorted[(groups - 1) / 2];
}

static int measure_all(struct mp_heap_spread *spread)
{
    int64_t *sorted = calloc(spread->groups, sizeof *sorted);
    for (size_t i = 0; sorted && i < spread->count; i++) {
        spread->rows[i].held = &spread->table[i * spread->groups];
        measure(&spread->rows[i], sorted, spread->groups);
    }
    free(sorted);
    return sorted ? 0 : -1;
}

static int by_difference(const void *left, const void *right)
{
    const struct mp_heap_spread_row *a = left, *b = right;
    int64_t x = a->most - a->median, y = b->most - b->median;
    if (x != y)
        return x < y ? 1 : -1;
    return a->code != b->code ? (a->code > b->code) - (a->code < b->code)
                              : (a->line > b->line) - (a->line < b->line);
}

int mp_heap_spread_init(struct mp_heap_spread *spread, const struct mp_heap_merge *merge,
                        const struct mp_heap_lines *lines, const size_t *groups_of,
                        size_t groups)
{
    struct summing summing = {.merge = merge, .lines = lines};
    *spread = (struct mp_heap_spread){.groups = groups};
    int failed = !groups || begin(&summing) || choose(&summing, spread);
    if (!failed) {
        fill(&summing, spread, groups_of);
        failed = measure_all(spread);
    }
    if (!failed && spread->count)
        qsort(spread->rows, spread->count, sizeof *spread->rows, by_difference);
    mp_heap_charged_release(&summing.charged);
    free(summing.sums);
    free(summing.rows);
    return failed ? -1 : 0;
}

void mp_heap_spread_release(struct mp_heap_spread *spread)
{
    free(spread->rows);
    free(spread->table);
    *spread = (struct mp_heap_spread){0};
}
