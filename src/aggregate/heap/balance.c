#include "aggregate/heap/balance.h"

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
        .reserved = or_none(sane(read->reserved)),
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

static struct mp_heap_sheet sheet_of(const struct mp_heap_balance *stored)
{
    struct mp_heap_balance read = sane_balance(stored);
    struct mp_heap_sheet sheet = {.rss = read.rss,
                                  .time = read.time,
                                  .heap = read.heap,
                                  .absent = read.absent,
                                  .beside = read.reserved};
    if (!read.rss)
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

static int64_t at_most(int64_t bytes, int64_t most_of_it)
{
    return bytes < most_of_it ? bytes : most_of_it;
}

/* What the start's parts have too much was counted then and not resident: by allocators, of blocks
   from before, which are nobody's to ask. As far as pymalloc had free room it was that, new arenas
   are, and what of it was used since is resident. */
static void take_untouched(struct mp_heap_sheet *sheet, const struct mp_heap_sheet *start)
{
    int64_t untouched = or_none(-start->parts[MP_HEAP_PART_REMAINDER]);
    int64_t in_pools = at_most(untouched, or_none(start->parts[MP_HEAP_PART_POOLS]));
    int64_t *pools = &sheet->parts[MP_HEAP_PART_POOLS],
            *other = &sheet->parts[MP_HEAP_PART_OTHER];
    *pools -= at_most(in_pools, *pools);
    *other -= at_most(untouched - in_pools, *other);
    put_remainder(sheet);
}

/* A process that was attached to had most of what no line has from then. */
static void take_before(struct mp_heap_sheet *sheet, const struct mp_heap_sheet *start)
{
    int64_t *other = &sheet->parts[MP_HEAP_PART_OTHER];
    if (!sheet->known[MP_HEAP_PART_OTHER] || !start->known[MP_HEAP_PART_OTHER])
        return;
    int64_t before = at_most(or_none(start->parts[MP_HEAP_PART_OTHER]), or_none(*other));
    put(sheet, MP_HEAP_PART_BEFORE, before);
    *other -= before;
}

struct mp_heap_sheet mp_heap_sheet(const struct mp_heap_view *view,
                                   enum mp_heap_reading moment)
{
    struct mp_heap_sheet sheet = sheet_of(&view->header->balance[moment]);
    if (view->processes > 1 || !sheet.rss)
        return (struct mp_heap_sheet){0};
    struct mp_heap_sheet start = sheet_of(&view->header->balance[MP_HEAP_AT_START]);
    take_untouched(&sheet, &start);
    if (view->header->attached)
        take_before(&sheet, &start);
    return sheet;
}

int64_t mp_heap_before(const struct mp_heap_view *view)
{
    struct mp_heap_balance start = sane_balance(&view->header->balance[MP_HEAP_AT_START]);
    if (!view->header->attached || view->processes > 1 || !start.rss)
        return -1;
    return or_none(start.rss - or_none(start.own));
}

struct mp_heap_held mp_heap_held(const struct mp_heap_view *view)
{
    const int64_t least = (int64_t)1 << 20;
    struct mp_heap_sheet sheet = mp_heap_sheet(view, MP_HEAP_NEAR_PEAK);
    int64_t peak = view->header->peak, reserved = sheet.absent + sheet.beside;
    if (reserved < least || peak < 0)
        return (struct mp_heap_held){.held = peak};
    return (struct mp_heap_held){.held = peak > sheet.absent ? peak - sheet.absent : 0,
                                 .reserved = reserved};
}

void mp_heap_sheets(const struct mp_heap_view *view,
                    struct mp_heap_sheet sheets[MP_HEAP_READINGS])
{
    for (int moment = 0; moment < MP_HEAP_READINGS; moment++)
        sheets[moment] = mp_heap_sheet(view, (enum mp_heap_reading)moment);
}
