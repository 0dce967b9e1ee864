#include "capture/heap/balance/balance.h"

#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "capture/heap/balance/maps.h"
#include "capture/process/pages.h"

enum {
    PAGES_A_READ = 128, /* of pagemap's numbers */
    MOST_SEGMENTS = 32,
    MOST_OF_GUARD = 1 << 16,
};

#define PAGE_PRESENT (1ull << 63)
#define PAGE_OF_FILE (1ull << 61)

struct mp_heap_balance mp_balance_none(void)
{
    struct mp_heap_balance none;
    memset(&none, 0xff, sizeof none); /* -1 throughout */
    none.rss = 0;
    return none;
}

/* Private pages of mappings, as they go by in order of address. */
struct looking {
    int pagemap;
    uintptr_t page;
    const void *ours;
    struct mp_mapping before;
    bool zeroes_next; /* that was a file's data, and no file's of ours */
    uintptr_t object; /* where that file's first mapping begins */
    int64_t stacks, libraries;
};

/* Where the object ends whose first segment is mapped here; what lies behind may have been joined to
   the mapping of its zeroes. Read as another process would: the file may have been cut short. */
static uintptr_t end_of_object(uintptr_t start, uintptr_t page)
{
    struct {
        ElfW(Ehdr) header;
        ElfW(Phdr) segments[MOST_SEGMENTS];
    } head; /* the segments are nearly always there */
    ElfW(Phdr) *segments = head.segments;
    const ElfW(Ehdr) *header = &head.header;
    if (!mp_mappings_copy(&head, start, sizeof head) ||
        memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_phnum > MOST_SEGMENTS ||
        (header->e_phoff != sizeof *header &&
         !mp_mappings_copy(segments, start + header->e_phoff,
                           header->e_phnum * sizeof *segments)))
        return 0;
    uintptr_t first = UINTPTR_MAX, end = 0;
    for (int i = 0; i < header->e_phnum; i++) {
        uintptr_t at = segments[i].p_vaddr, its_end = at + segments[i].p_memsz;
        if (segments[i].p_type != PT_LOAD)
            continue;
        first = at < first ? at : first;
        end = its_end > end ? its_end : end;
    }
    return end ? start + (end - (first & ~(page - 1)) + page - 1) / page * page : 0;
}

/* Pages that are the process's own copies of a file's. */
static int64_t private_pages(const struct looking *looking, uintptr_t at, uintptr_t end)
{
    uint64_t pages[PAGES_A_READ];
    int64_t sum = 0;
    while (at < end) {
        size_t count = (end - at) / looking->page;
        count = count < PAGES_A_READ ? count : PAGES_A_READ;
        off_t offset = (off_t)(at / looking->page * sizeof *pages);
        ssize_t got = pread(looking->pagemap, pages, count * sizeof *pages, offset);
        if (got < (ssize_t)sizeof *pages)
            break;
        count = (size_t)got / sizeof *pages;
        for (size_t i = 0; i < count; i++)
            sum += pages[i] & PAGE_PRESENT && !(pages[i] & PAGE_OF_FILE);
        at += count * looking->page;
    }
    return sum * (int64_t)looking->page;
}

static int64_t touched(const struct mp_mapping *mapping, size_t most)
{
    size_t bytes = mapping->end - mapping->start;
    bytes = bytes < most ? bytes : most;
    int64_t resident = mp_pages_resident(mapping->start, bytes, mp_pages_stride(0));
    return resident < 0 ? 0 : resident;
}

static bool holds(const struct mp_mapping *mapping, const void *address)
{
    return (uintptr_t)address >= mapping->start && (uintptr_t)address < mapping->end;
}

/* A library's data, behind what the loader made read-only after it had filled it in. */
static void see_data(struct looking *looking, const struct mp_mapping *mapping)
{
    const struct mp_mapping *before = &looking->before;
    bool ours = holds(mapping, looking->ours);
    bool filled_in = before->inode == mapping->inode && before->end == mapping->start &&
                     !strcmp(before->flags, "r--p");
    uintptr_t from = filled_in ? before->start : mapping->start,
              to = ours ? mapping->start : mapping->end;
    looking->libraries += private_pages(looking, from, to);
}

/* How much of a mapping behind an object's data is its zeroes. */
static size_t zeroes(const struct looking *looking, const struct mp_mapping *mapping)
{
    uintptr_t end = end_of_object(looking->object, looking->page);
    return end > mapping->start ? end - mapping->start : 0;
}

/* The loader's zeroes come right behind a file's data; a thread's stack behind its guard. */
static void see_anonymous(struct looking *looking, const struct mp_mapping *mapping)
{
    const struct mp_mapping *before = &looking->before;
    bool behind = before->end == mapping->start && !*mapping->name;
    if (!strcmp(mapping->name, "[stack]"))
        looking->stacks += touched(mapping, SIZE_MAX);
    else if (behind && looking->zeroes_next && !holds(mapping, looking->ours))
        looking->libraries += touched(mapping, zeroes(looking, mapping));
    else if (behind && !before->inode && !strcmp(before->flags, "---p") &&
             before->end - before->start <= MOST_OF_GUARD)
        looking->stacks += touched(mapping, SIZE_MAX);
}

static bool see(void *context, const struct mp_mapping *mapping)
{
    struct looking *looking = context;
    bool writable = !strcmp(mapping->flags, "rw-p");
    bool data = writable && mapping->inode;
    if (mapping->inode && mapping->inode != looking->before.inode)
        looking->object = mapping->start;
    if (data)
        see_data(looking, mapping);
    else if (writable)
        see_anonymous(looking, mapping);
    looking->zeroes_next = data && !holds(mapping, looking->ours);
    looking->before = *mapping;
    return true;
}

void mp_balance_read_maps(struct mp_heap_balance *balance, const void *ours)
{
    struct looking looking = {.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC),
                              .page = (uintptr_t)sysconf(_SC_PAGESIZE),
                              .ours = ours};
    if (!mp_mappings_each(see, &looking)) {
        balance->stacks = looking.stacks;
        balance->libraries = looking.pagemap < 0 ? -1 : looking.libraries;
    }
    if (looking.pagemap >= 0)
        close(looking.pagemap);
}
