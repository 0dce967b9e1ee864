#include "capture/process/pages.h"

#include <sys/mman.h>
#include <unistd.h>

/* The pages wholly inside a stretch. */
struct inside {
    uintptr_t at, end, page;
};

static struct inside inside(uintptr_t start, size_t bytes)
{
    static _Atomic uintptr_t known;
    uintptr_t page = known ? known : (known = (uintptr_t)sysconf(_SC_PAGESIZE));
    struct inside pages = {(start + page - 1) & ~(page - 1), (start + bytes) & ~(page - 1),
                           page};
    if (pages.end < pages.at)
        pages.end = pages.at;
    return pages;
}

size_t mp_pages_stride(size_t bytes)
{
    size_t run = MP_PAGES_ASKED * inside(0, 0).page;
    size_t runs = bytes / MP_PAGES_TIMES / run + 1;
    return runs * run;
}

/* Where in a stride the pages lie that are asked: not at the same place of each, for what is
   looked at may have a period of its own. */
static uintptr_t place(uintptr_t stride_at, size_t whole, size_t run)
{
    uint64_t mixed = (stride_at >> 12) * 0x9E3779B97F4A7C15u >> 32;
    return stride_at + mixed % (whole / run) * run;
}

int64_t mp_pages_resident(uintptr_t start, size_t bytes, size_t stride)
{
    struct inside pages = inside(start, bytes);
    size_t run = MP_PAGES_ASKED * pages.page;
    unsigned char in[MP_PAGES_ASKED];
    int64_t sum = 0;
    for (uintptr_t at = pages.at; at < pages.end; at += stride) {
        size_t whole = pages.end - at < stride ? pages.end - at : stride;
        size_t count = (whole < run ? whole : run) / pages.page, resident = 0;
        uintptr_t from = whole < run ? at : place(at, whole, run);
        if (mincore((void *)from, count * pages.page, in))
            return -1;
        for (size_t i = 0; i < count; i++)
            resident += in[i] & 1;
        sum += (int64_t)(whole / pages.page * resident / count * pages.page);
    }
    return sum;
}

int64_t mp_pages_all_resident(uintptr_t start, size_t bytes)
{
    static unsigned char in[1 << 16]; /* a stack may be small */
    struct inside pages = inside(start, bytes);
    int64_t sum = 0;
    for (uintptr_t at = pages.at; at < pages.end;) {
        size_t count = (pages.end - at) / pages.page, resident = 0;
        if (count > sizeof in)
            count = sizeof in;
        if (mincore((void *)at, count * pages.page, in))
            return 0;
        for (size_t i = 0; i < count; i++)
            resident += in[i] & 1;
        sum += (int64_t)(resident * pages.page);
        at += count * pages.page;
    }
    return sum;
}

int64_t mp_pages_absent(uintptr_t start, size_t bytes, size_t stride)
{
    struct inside pages = inside(start, bytes);
    int64_t resident = mp_pages_resident(start, bytes, stride);
    return resident < 0 ? 0 : (int64_t)(pages.end - pages.at) - resident;
}
