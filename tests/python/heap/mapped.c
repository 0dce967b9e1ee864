/* Does what mmap's family can do inside a range of addresses nobody else uses, and tells the
 * interval map what succeeded. Loaded with ctypes, together with src/capture/heap/native/maps.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/heap/native/maps.h"

enum { PAGES = 64, STACKS = 8 };

static struct mp_maps maps;
static char *base;
static int file;
static long page;
long long reported[STACKS][3]; /* by stack and kind */

static void note(void *context, uint32_t stack, enum mp_map_kind kind, int64_t bytes)
{
    (void)context;
    reported[stack][kind] += bytes;
}

/* The first address of the range, or 0. */
unsigned long begin(void)
{
    page = sysconf(_SC_PAGESIZE);
    file = memfd_create("mapped", 0);
    base = mmap((void *)0x200000000000, (size_t)(PAGES * page), PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (file < 0 || base == MAP_FAILED || ftruncate(file, PAGES * page) ||
        mp_maps_init(&maps, note, NULL))
        return 0;
    munmap(base, (size_t)(PAGES * page));
    memset(reported, 0, sizeof reported);
    return (unsigned long)base;
}

void end(void)
{
    munmap(base, (size_t)(PAGES * page));
    mp_maps_release(&maps);
    close(file);
}

static char *at(int first)
{
    return base + first * page;
}

/* Lengths end inside their last page. */
static size_t bytes(int count)
{
    return count ? (size_t)(count * page - 7) : 0;
}

int map(int first, int count, int kind, int protection, int stack)
{
    int flags = kind == MP_MAP_FILE     ? MAP_PRIVATE
                : kind == MP_MAP_SHARED ? MAP_SHARED | MAP_ANONYMOUS
                                        : MAP_PRIVATE | MAP_ANONYMOUS;
    void *address = mmap(at(first), bytes(count), protection, flags | MAP_FIXED,
                         kind == MP_MAP_FILE ? file : -1, 0);
    if (address == MAP_FAILED)
        return -errno;
    return mp_maps_map(&maps, (uintptr_t)address, bytes(count), (uint32_t)stack,
                       (enum mp_map_kind)kind, protection);
}

int unmap(int first, int count)
{
    if (munmap(at(first), bytes(count)))
        return -errno;
    return mp_maps_unmap(&maps, (uintptr_t)at(first), bytes(count));
}

int protect(int first, int count, int protection)
{
    if (mprotect(at(first), bytes(count), protection))
        return -errno;
    return mp_maps_protect(&maps, (uintptr_t)at(first), bytes(count), protection);
}

int dontneed(int first, int count)
{
    if (madvise(at(first), bytes(count), MADV_DONTNEED) && errno != ENOMEM)
        return -errno;
    return mp_maps_dontneed(&maps, (uintptr_t)at(first), bytes(count));
}

int remap(int first, int count, int to, int new_count, int flags, int stack)
{
    void *address = mremap(at(first), bytes(count), bytes(new_count), flags, at(to));
    if (address == MAP_FAILED)
        return -errno;
    return mp_maps_remap(&maps, &(struct mp_maps_remap){.old = (uintptr_t)at(first),
                                                        .new = (uintptr_t)address,
                                                        .old_length = bytes(count),
                                                        .new_length = bytes(new_count),
                                                        .flags = flags,
                                                        .stack = (uint32_t)stack});
}

/* Per page of the range: -1 where nothing is mapped, else stack, kind and state. */
static void fill(void *pages, const struct mp_maps_node *node)
{
    for (uintptr_t address = node->start; address < node->end; address += (uintptr_t)page)
        ((int *)pages)[(address - (uintptr_t)base) / (uintptr_t)page] =
            (int)(node->stack * 16 + node->kind * 4 + node->state);
}

void look(int pages[PAGES])
{
    memset(pages, -1, PAGES * sizeof *pages);
    mp_maps_each(&maps, fill, pages);
}

static void count(void *sum, const struct mp_maps_node *node)
{
    (void)node;
    ++*(int *)sum;
}

int intervals(void)
{
    int sum = 0;
    mp_maps_each(&maps, count, &sum);
    return sum;
}
