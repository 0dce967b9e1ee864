#include "aggregate/heap/heaviest.h"

#include <errno.h>
#include <stdlib.h>

#include "aggregate/heap/lines.h"
#include "aggregate/heap/stacks.h"
#include "base/saturate.h"

static int by_place(const void *left, const void *right)
{
    const struct mp_heap_share *a = left, *b = right;
    if (a->code != b->code)
        return a->code < b->code ? -1 : 1;
    return (a->line > b->line) - (a->line < b->line);
}

/* Nodes of which something was live, by the nearest line of the user's. */
static size_t collect(struct mp_heap_share *shares, const uint32_t *near,
                      const struct mp_heap_view *view, const struct mp_heap_own *own,
                      const struct mp_heap_stacks *stacks)
{
    size_t count = 0;
    for (uint32_t i = 1; i < view->counts[MP_HEAP_NODES]; i++) {
        if (!near[i] || mp_heap_own_is_ours(own, i))
            continue;
        int64_t bytes = mp_heap_line_of(view, i).at_peak;
        if (bytes > 0)
            shares[count++] = (struct mp_heap_share){view->nodes[near[i]].code,
                                                     stacks->lines[near[i]], bytes};
    }
    return count;
}

/* Whether a report shows it before the other. */
static bool is_before(const struct mp_heap_view *view, const struct mp_heap_share *a,
                      const struct mp_heap_share *b)
{
    struct mp_heap_line x = {.code = a->code, .line = a->line, .at_peak = a->at_peak};
    struct mp_heap_line y = {.code = b->code, .line = b->line, .at_peak = b->at_peak};
    return !b->code || mp_heap_line_compare(view, &x, &y, MP_HEAP_BY_PEAK) < 0;
}

static struct mp_heap_share largest(const struct mp_heap_view *view,
                                    struct mp_heap_share *shares, size_t count)
{
    struct mp_heap_share best = {0}, sum = {0};
    if (count)
        qsort(shares, count, sizeof *shares, by_place);
    for (size_t i = 0; i < count; i++) {
        if (!i || by_place(&shares[i], &sum))
            sum = (struct mp_heap_share){shares[i].code, shares[i].line, 0};
        sum.at_peak = mp_sum(sum.at_peak, shares[i].at_peak);
        if (is_before(view, &sum, &best))
            best = sum;
    }
    return best;
}

int mp_heap_heaviest_users(struct mp_heap_share *heaviest, const struct mp_heap_view *view,
                           const struct mp_heap_own *own)
{
    struct mp_heap_stacks stacks;
    size_t count = view->counts[MP_HEAP_NODES];
    *heaviest = (struct mp_heap_share){0};
    struct mp_heap_share *shares = calloc(count + 1, sizeof *shares);
    uint32_t *near = calloc(count + 1, sizeof *near);
    int failed = mp_heap_stacks_init(&stacks, view) || !shares || !near;
    if (!failed) {
        mp_heap_own_nearest(own, view, near);
        *heaviest = largest(view, shares, collect(shares, near, view, own, &stacks));
    }
    mp_heap_stacks_release(&stacks);
    free(shares);
    free(near);
    if (failed)
        errno = ENOMEM;
    return failed ? -1 : 0;
}
