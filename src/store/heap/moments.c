#include "store/heap/moments.h"

#include "base/saturate.h"

static void leave_out(struct mp_heap_moment *moment, const struct mp_heap_holding *entry)
{
    moment->rest = mp_sum(moment->rest, entry->bytes);
    moment->rest_blocks = mp_sum_unsigned(moment->rest_blocks, entry->blocks);
    moment->rest_stacks++;
}

static void add_up(struct mp_heap_moment *moment, const struct mp_heap_holding *entries)
{
    moment->live = moment->rest;
    moment->blocks = moment->rest_blocks;
    for (uint32_t i = 0; i < moment->count; i++) {
        moment->live = mp_sum(moment->live, entries[i].bytes);
        moment->blocks = mp_sum_unsigned(moment->blocks, entries[i].blocks);
    }
}

/* Each stack once, in their order. */
static const char *check_entries(const struct mp_heap_view *view,
                                 struct mp_heap_moment *moment,
                                 struct mp_heap_holding *entries, bool may_lack)
{
    uint32_t count = moment->count, kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (entries[i].bytes < 0)
            return "a stack holds less than nothing";
        if (i && entries[i].node <= entries[i - 1].node)
            return "the stacks of a moment are not in their order";
        if (entries[i].node >= view->counts[MP_HEAP_NODES] && !may_lack)
            return "a stack of a moment is not in the file";
    }
    for (uint32_t i = 0; i < count; i++) {
        if (entries[i].node < view->counts[MP_HEAP_NODES])
            entries[kept++] = entries[i];
        else
            leave_out(moment, &entries[i]);
    }
    moment->count = kept;
    add_up(moment, entries);
    return NULL;
}

const char *mp_heap_moment_check(const struct mp_heap_view *view,
                                 struct mp_heap_moment *moment,
                                 struct mp_heap_holding *entries, size_t i,
                                 const struct mp_heap_moments_lack *lack)
{
    size_t first = i * MP_HEAP_SLOT;
    if (!moment->stamp)
        return NULL;
    bool fits = moment->count <= MP_HEAP_SLOT &&
                first + moment->count <= view->counts[MP_HEAP_ENTRIES];
    if (!fits && lack->entries && moment->count <= MP_HEAP_SLOT) {
        moment->stamp = 0;
        return NULL;
    }
    if (!fits)
        return "a moment has more entries than there are";
    if (moment->rest < 0)
        return "a stack holds less than nothing";
    return check_entries(view, moment, entries + first, lack->nodes);
}
