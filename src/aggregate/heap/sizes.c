#include "aggregate/heap/sizes.h"

#include "base/saturate.h"

/* The least power of two that is not below it. */
static int class_of(uint64_t size)
{
    return size < 2 ? 0 : 64 - __builtin_clzll(size - 1);
}

/* What counts of a stack. */
struct amount {
    uint64_t blocks, bytes;
};

static struct amount amount_of(const struct mp_heap_view *view,
                               const struct mp_heap_node *node)
{
    if (!mp_heap_is_at(view))
        return (struct amount){node->blocks, node->total};
    int64_t bytes = mp_heap_at_peak(view, node);
    return (struct amount){mp_heap_blocks_at_peak(view, node),
                           bytes > 0 ? (uint64_t)bytes : 0};
}

/* Rounded up: what is larger than a power of two is in the class above. */
static uint64_t mean_of(struct amount amount)
{
    return amount.bytes / amount.blocks + (amount.bytes % amount.blocks > 0);
}

static void add(struct mp_heap_size_class *class, struct amount amount)
{
    class->blocks = mp_sum_unsigned(class->blocks, amount.blocks);
    class->bytes = mp_sum_unsigned(class->bytes, amount.bytes);
    class->stacks++;
}

void mp_heap_sizes_count(struct mp_heap_sizes *sizes, const struct mp_heap_view *view)
{
    *sizes = (struct mp_heap_sizes){.stacks = 0};
    for (size_t i = 0; i < view->counts[MP_HEAP_NODES]; i++) {
        const struct mp_heap_node *node = &view->nodes[i];
        enum mp_heap_kind kind = mp_heap_kind(node);
        struct amount amount = amount_of(view, node);
        sizes->stacks +=
            mp_heap_is_at(view) ? amount.blocks || amount.bytes : mp_heap_was_used(node);
        if (amount.blocks)
            add(&sizes->classes[kind][class_of(mean_of(amount))], amount);
        else
            sizes->without[kind] = mp_sum_unsigned(sizes->without[kind], amount.bytes);
    }
}
