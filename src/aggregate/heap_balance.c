#include "aggregate/heap_balance.h"

/* No process has so many bytes; such sums do not overflow. */
static const int64_t most = (int64_t)1 << 56;

static int64_t sane(int64_t bytes)
{
    return bytes < 0 || bytes > most ? -1 : bytes;
}

static int64_t or_none(int64_t bytes)
{
    return bytes < 0 ? 0 : bytes;
}

static struct mp_heap_balance sane_balance(const struct mp_heap_balance *read)
{
    return (struct mp_heap_balance){
        .time = read->time,
        .rss = or_none(sane(read->rss)),
        .shared = sane(read->shared),
        .heap = or_none(sane(read->heap)),
        .small = or_none(sane(read->small)),
        .mapped = or_none(sane(read->mapped)),
        .absent = or_none(sane(read->absent)),
        .mapped_shared = or_none(sane(read->mapped_shared)),
        .arenas = sane(read->arenas),
        .pooled = sane(read->pooled),
        .malloc_used = sane(read->malloc_used),
        .malloc_free = sane(read->malloc_free),
        .stacks = sane(read->stacks),
        .libraries = sane(read->libraries),
        .own = sane(read->own),
        .own_shared = or_none(sane(read->own_shared)),
    };
}

static void put(struct mp_heap_sheet *sheet, enum mp_heap_part part, int64_t bytes)
{
    sheet->parts[part] = bytes;
    sheet->known[part] = true;
}

/* Small blocks are in pymalloc's arenas, where it has any, the others in malloc's heap. */
static void put_allocators(struct mp_heap_sheet *sheet, const struct mp_heap_balance *read)
{
    int64_t small = read->arenas ? read->small : 0;
    int64_t in_malloc = read->heap - small - read->mapped;
    if (!read->arenas)
        put(sheet, MP_HEAP_PART_POOLS, 0);
    if (read->arenas > 0 && read->pooled >= 0) {
        put(sheet, MP_HEAP_PART_POOLS, or_none(read->arenas - read->pooled));
        put(sheet, MP_HEAP_PART_OTHER, or_none(read->pooled - small));
    }
    if (read->malloc_free >= 0)
        put(sheet, MP_HEAP_PART_FREE, read->malloc_free);
    if (read->malloc_used >= 0)
        put(sheet, MP_HEAP_PART_OTHER,
            sheet->parts[MP_HEAP_PART_OTHER] + or_none(read->malloc_used - in_malloc));
}

static void put_remainder(struct mp_heap_sheet *sheet)
{
    int64_t rest = sheet->rss;
    for (int part = 0; part < MP_HEAP_PART_REMAINDER; part++)
        rest -= sheet->parts[part];
    put(sheet, MP_HEAP_PART_REMAINDER, rest);
}

struct mp_heap_sheet mp_heap_sheet(const struct mp_heap_view *view,
                                   enum mp_heap_moment moment)
{
    struct mp_heap_balance read = sane_balance(&view->header->balance[moment]);
    struct mp_heap_sheet sheet = {
        .rss = read.rss, .time = read.time, .heap = read.heap, .absent = read.absent};
    if (view->processes > 1 || !read.rss)
        return (struct mp_heap_sheet){0};
    put(&sheet, MP_HEAP_PART_LIVE, read.heap - read.absent);
    put_allocators(&sheet, &read);
    if (read.libraries >= 0)
        put(&sheet, MP_HEAP_PART_LIBRARIES, read.libraries);
    if (read.shared >= 0)
        put(&sheet, MP_HEAP_PART_FILES,
            or_none(read.shared - read.own_shared - read.mapped_shared));
    if (read.stacks >= 0)
        put(&sheet, MP_HEAP_PART_STACKS, read.stacks);
    if (read.own >= 0)
        put(&sheet, MP_HEAP_PART_OWN, read.own);
    put_remainder(&sheet);
    return sheet;
}

void mp_heap_sheets(const struct mp_heap_view *view,
                    struct mp_heap_sheet sheets[MP_HEAP_MOMENTS])
{
    for (int moment = 0; moment < MP_HEAP_MOMENTS; moment++)
        sheets[moment] = mp_heap_sheet(view, (enum mp_heap_moment)moment);
}
