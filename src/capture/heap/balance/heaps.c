#include "capture/heap/balance/heaps.h"

#include <string.h>
#include <unistd.h>

#include "capture/heap/balance/maps.h"
#include "capture/process/pages.h"

/* Where huge pages were asked of malloc (GLIBC_TUNABLES) they may be larger, and are not found. */
static const uintptr_t heap_most = (uintptr_t)1 << 26;

enum { MOST_OF_HEAD = 128 };

struct head {
    uintptr_t arena, before; /* in the first of its heaps; 0: this is the first */
    size_t size, opened;     /* accessible now; ever */
};

static uintptr_t start_of(uintptr_t address)
{
    return address & ~(heap_most - 1);
}

/* The size of a heap that starts there, or 0. */
static size_t size_at(uintptr_t start)
{
    struct head head;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (!mp_mappings_copy(&head, start, sizeof head))
        return 0;
    uintptr_t first = start_of(head.arena), in_head = head.arena - first;
    bool is = head.size && head.size % page == 0 && head.size <= head.opened &&
              head.opened <= heap_most && in_head >= sizeof head &&
              in_head <= MOST_OF_HEAD && head.before % heap_most == 0 &&
              (head.before ? first != start : first == start);
    return is ? head.size : 0;
}

static void add(struct mp_heaps *heaps, uintptr_t start)
{
    size_t size = heaps->count < MP_HEAPS ? size_at(start) : 0;
    if (!size)
        return;
    heaps->heaps[heaps->count++] = (struct mp_malloc_heap){start, size};
    heaps->bytes += size;
}

void mp_heaps_ask(struct mp_heaps *heaps)
{
    int count = heaps->count;
    heaps->count = 0;
    heaps->bytes = 0;
    for (int i = 0; i < count; i++)
        add(heaps, heaps->heaps[i].start);
}

/* One may lie right behind other memory, which then is one mapping with it. */
static bool see(void *context, const struct mp_mapping *mapping)
{
    struct mp_heaps *heaps = context;
    bool anonymous = !mapping->inode && !strcmp(mapping->flags, "rw-p") &&
                     (!*mapping->name || !strncmp(mapping->name, "[anon", 5));
    uintptr_t at = start_of(mapping->start + heap_most - 1);
    for (; anonymous && at < mapping->end; at += heap_most)
        add(heaps, at);
    return true;
}

void mp_heaps_find(struct mp_heaps *heaps)
{
    heaps->count = 0;
    heaps->bytes = 0;
    mp_mappings_each(see, heaps);
}

bool mp_heaps_hold(const struct mp_heaps *heaps, uintptr_t address)
{
    int from = 0, to = heaps->count;
    while (to - from > 1) {
        int middle = from + (to - from) / 2;
        if (heaps->heaps[middle].start <= address)
            from = middle;
        else
            to = middle;
    }
    const struct mp_malloc_heap *heap = &heaps->heaps[from];
    return from < to && address >= heap->start && address < heap->start + heap->size;
}

int64_t mp_heaps_absent(const struct mp_heaps *heaps, size_t stride)
{
    int64_t sum = 0;
    for (int i = 0; i < heaps->count; i++)
        sum += mp_pages_absent(heaps->heaps[i].start, heaps->heaps[i].size, stride);
    return sum;
}
