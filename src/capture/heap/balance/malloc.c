/* What malloc says of itself, where it is glibc's, and which pages of its heaps are resident. */
#include "capture/heap/balance/balance.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/heap/balance/heaps.h"
#include "capture/process/pages.h"

/* glibc 2.33's, which an older one to build with does not declare. */
struct malloc_figures {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks,
        keepcost;
};

static struct malloc_figures (*ask_malloc)(void);

/* Of brk(2)'s heap, which malloc's first is in; 0: not known. */
static uintptr_t heap_start;

static struct mp_heaps heaps; /* of its other arenas */

/* The 47th field; the second, a name in parentheses, may have spaces. */
static uintptr_t read_heap_start(void)
{
    enum { FIELD = 47, BEHIND_NAME = 2 };
    char text[1024];
    int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, text, sizeof text - 1);
    if (file >= 0)
        close(file);
    text[length > 0 ? length : 0] = '\0';
    const char *at = strrchr(text, ')');
    for (int field = BEHIND_NAME; at && field < FIELD; field++)
        at = strchr(at + 1, ' ');
    return at ? (uintptr_t)strtoull(at, NULL, 10) : 0;
}

/* Another malloc, put before glibc's, brings its own malloc_usable_size(3), and is not what
   mallinfo2(3) tells of. */
static void find_malloc(void)
{
    Dl_info asked, used;
    void *ask = dlsym(RTLD_DEFAULT, "mallinfo2");
    void *usable = dlsym(RTLD_DEFAULT, "malloc_usable_size");
    bool same = ask && usable && dladdr(ask, &asked) && dladdr(usable, &used) &&
                asked.dli_fbase == used.dli_fbase;
    heap_start = read_heap_start();
    if (same)
        memcpy(&ask_malloc, &ask, sizeof ask);
}

void mp_balance_init(void)
{
    static bool known;
    if (!known)
        find_malloc();
    known = true;
}

static size_t first_heap(void)
{
    uintptr_t end = (uintptr_t)sbrk(0);
    return heap_start && heap_start < end ? end - heap_start : 0;
}

/* Those there are, or some are new: together they are what malloc has of the system. */
static void look_for_heaps(size_t taken)
{
    mp_heaps_ask(&heaps);
    if (first_heap() + heaps.bytes < taken)
        mp_heaps_find(&heaps);
}

void mp_balance_read_malloc(struct mp_heap_balance *balance)
{
    if (!ask_malloc)
        return;
    struct malloc_figures now = ask_malloc();
    balance->malloc_used = (int64_t)(now.uordblks + now.hblkhd);
    balance->malloc_free = (int64_t)now.fordblks;
    look_for_heaps(now.arena);
}

bool mp_balance_is_in_heap(uintptr_t address)
{
    return (address >= heap_start && address < heap_start + first_heap()) ||
           mp_heaps_hold(&heaps, address);
}

/* Some of it was never touched, or given back since: freed blocks, and a heap's end. More than is
   free is of blocks in use that nobody knows of. */
void mp_balance_take_absent(struct mp_heap_balance *balance, int64_t of_blocks, bool whole)
{
    size_t bytes = first_heap();
    if (balance->malloc_free < 0)
        return;
    size_t stride = mp_pages_stride(whole ? 0 : bytes + heaps.bytes);
    int64_t absent =
        mp_pages_absent(heap_start, bytes, stride) + mp_heaps_absent(&heaps, stride);
    int64_t rest = absent > of_blocks ? absent - of_blocks : 0;
    int64_t free = rest < balance->malloc_free ? rest : balance->malloc_free;
    balance->malloc_free -= free;
    balance->malloc_used -= rest - free;
}
