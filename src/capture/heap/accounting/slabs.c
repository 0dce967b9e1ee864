#include "capture/heap/accounting/slabs.h"

#include <stdbool.h>
#include <sys/mman.h>

enum {
    SPAN = 1 << 15,
    REGION = 1 << 20,
    SPANS = REGION / SPAN, /* of a region, the first of which has its header */
};

struct mp_region {
    struct mp_region *next;
    uint32_t used; /* a bit for each span; the first is never free */
};

struct mp_span {
    struct mp_span *next, *before; /* with room, of the same size */
    uint32_t size;                 /* bytes of its slabs */
    uint32_t used;
    uint32_t fresh; /* where the part begins that was never used */
    uint32_t given; /* where the slab is that was given back last; 0: none */
};

_Static_assert(sizeof(struct mp_span) <= MP_SLAB_LINE, "a span's header is a line");
_Static_assert(SPANS <= 32, "a region's spans have a bit each");

void *mp_take_pages(size_t bytes)
{
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    madvise(pages, bytes, MADV_NOHUGEPAGE);
    return pages;
}

void mp_slabs_release(struct mp_slabs *slabs)
{
    for (struct mp_region *region = slabs->regions, *next; region; region = next) {
        next = region->next;
        munmap(region, REGION);
    }
    *slabs = (struct mp_slabs){0};
}

/* Address space at a multiple of its size: twice as much, less what is around. */
static char *take_aligned(void)
{
    char *wide = mp_take_pages(2 * REGION);
    if (!wide)
        return NULL;
    size_t before = -(uintptr_t)wide & (REGION - 1);
    if (before)
        munmap(wide, before);
    munmap(wide + before + REGION, REGION - before);
    return wide + before;
}

static struct mp_region *add_region(struct mp_slabs *slabs)
{
    struct mp_region *region = (struct mp_region *)take_aligned();
    if (!region)
        return NULL;
    *region = (struct mp_region){.next = slabs->regions, .used = 1};
    slabs->regions = region;
    slabs->mapped += REGION;
    return region;
}

static struct mp_region *with_room(struct mp_slabs *slabs)
{
    struct mp_region *region = slabs->regions;
    while (region && region->used == UINT32_MAX >> (32 - SPANS))
        region = region->next;
    return region ? region : add_region(slabs);
}

static void link_span(struct mp_slabs *slabs, struct mp_span *span)
{
    struct mp_span **first = &slabs->with_room[span->size / MP_SLAB_LINE];
    span->before = NULL;
    span->next = *first;
    if (*first)
        (*first)->before = span;
    *first = span;
}

static void unlink_span(struct mp_slabs *slabs, struct mp_span *span)
{
    if (span->before)
        span->before->next = span->next;
    else
        slabs->with_room[span->size / MP_SLAB_LINE] = span->next;
    if (span->next)
        span->next->before = span->before;
}

static struct mp_span *add_span(struct mp_slabs *slabs, uint32_t size)
{
    struct mp_region *region = with_room(slabs);
    if (!region)
        return NULL;
    unsigned free = (unsigned)__builtin_ctz(~region->used);
    struct mp_span *span = (struct mp_span *)((char *)region + (size_t)free * SPAN);
    region->used |= 1u << free;
    *span = (struct mp_span){.size = size, .fresh = MP_SLAB_LINE};
    link_span(slabs, span);
    return span;
}

/* All that it had is gone: its pages are zeroed when they are used again. */
static void drop_span(struct mp_slabs *slabs, struct mp_span *span)
{
    struct mp_region *region =
        (struct mp_region *)((uintptr_t)span & ~(uintptr_t)(REGION - 1));
    unlink_span(slabs, span);
    if (!madvise(span, SPAN, MADV_DONTNEED))
        region->used &= ~(1u << (((char *)span - (char *)region) / SPAN));
}

static uint32_t round_up(size_t bytes)
{
    return (uint32_t)(bytes + MP_SLAB_LINE - 1) & ~(uint32_t)(MP_SLAB_LINE - 1);
}

static bool is_full(const struct mp_span *span)
{
    return !span->given && span->fresh + span->size > SPAN;
}

void *mp_slabs_take(struct mp_slabs *slabs, size_t bytes)
{
    uint32_t size = round_up(bytes);
    struct mp_span *span = slabs->with_room[size / MP_SLAB_LINE];
    if (!span && !(span = add_span(slabs, size)))
        return NULL;
    uint32_t at = span->given ? span->given : span->fresh;
    uint32_t *slab = (uint32_t *)((char *)span + at);
    if (span->given)
        span->given = *slab;
    else
        span->fresh += size;
    *slab = 0; /* where the next one given back was */
    span->used++;
    if (is_full(span))
        unlink_span(slabs, span);
    return slab;
}

void mp_slabs_give(struct mp_slabs *slabs, void *slab)
{
    struct mp_span *span = (struct mp_span *)((uintptr_t)slab & ~(uintptr_t)(SPAN - 1));
    if (is_full(span))
        link_span(slabs, span);
    *(uint32_t *)slab = span->given;
    span->given = (uint32_t)((char *)slab - (char *)span);
    span->used--;
    const struct mp_span *first = slabs->with_room[span->size / MP_SLAB_LINE];
    if (!span->used && (first != span || span->next))
        drop_span(slabs, span);
}

void mp_slabs_each(const struct mp_slabs *slabs,
                   void (*see)(void *context, const void *at, size_t bytes), void *context)
{
    for (const struct mp_region *region = slabs->regions; region; region = region->next)
        see(context, region, REGION);
}
