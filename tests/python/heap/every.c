/* Asks for memory once by each function of malloc's and mmap's families, and in a signal handler:
 * what a recorder must charge to the line that called. Loaded with ctypes. */
#define _GNU_SOURCE
#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { READ_WRITE = PROT_READ | PROT_WRITE, PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS };

#define ASK(name, call)        \
    void *by_##name(long size) \
    {                          \
        return call;           \
    }

static void *aligned(long size)
{
    void *block;
    return posix_memalign(&block, 64, (size_t)size) ? NULL : block;
}

static void *grown(long size)
{
    void *map = mmap(NULL, 4096, READ_WRITE, PRIVATE, -1, 0);
    return mremap(map, 4096, (size_t)size, MREMAP_MAYMOVE);
}

/* A map of twice the size whose first half is given back. */
static void *fixed(long size)
{
    char *map = mmap(NULL, 2 * (size_t)size, PROT_NONE, PRIVATE, -1, 0);
    munmap(map, (size_t)size);
    return mmap(map + size, (size_t)size, READ_WRITE, PRIVATE | MAP_FIXED, -1, 0);
}

static void *accessible(long size)
{
    void *map = mmap(NULL, (size_t)size, PROT_NONE, PRIVATE, -1, 0);
    return mprotect(map, (size_t)size, READ_WRITE) ? NULL : map;
}

static void *broken(long size)
{
    char *end = sbrk(0);
    return brk(end + size) ? NULL : end;
}

static void *block_of_handler;
static volatile long size_of_handler;

static void handle(int number)
{
    (void)number;
    block_of_handler = malloc((size_t)size_of_handler);
}

/* A handler that interrupts no allocation. */
static void *handled(long size)
{
    struct sigaction action = {.sa_handler = handle}, old;
    size_of_handler = size;
    sigaction(SIGUSR2, &action, &old);
    raise(SIGUSR2);
    sigaction(SIGUSR2, &old, NULL);
    return block_of_handler;
}

ASK(malloc, malloc((size_t)size))
ASK(calloc, calloc(1, (size_t)size))
ASK(realloc, realloc(malloc(100), (size_t)size))
ASK(reallocarray, reallocarray(NULL, 2, (size_t)size / 2))
ASK(memalign, memalign(64, (size_t)size))
ASK(aligned_alloc, aligned_alloc(64, (size_t)size))
ASK(posix_memalign, aligned(size))
ASK(valloc, valloc((size_t)size))
ASK(pvalloc, pvalloc((size_t)size))
ASK(handler, handled(size))
ASK(mmap, mmap(NULL, (size_t)size, READ_WRITE, PRIVATE, -1, 0))
ASK(mmap64, mmap64(NULL, (size_t)size, READ_WRITE, PRIVATE, -1, 0))
ASK(mremap, grown(size))
ASK(fixed, fixed(size))
ASK(mprotect, accessible(size))
ASK(sbrk, sbrk(size))
ASK(brk, broken(size))

static int allocate_in_walk(struct dl_phdr_info *info, size_t size, void *context)
{
    void *volatile block = malloc(1000);
    (void)info, (void)size, (void)context;
    free(block);
    return 0;
}

/* Allocates while the loader's lock is held. */
void walk_objects(long times)
{
    while (times--)
        dl_iterate_phdr(allocate_in_walk, NULL);
}

void give(void *block)
{
    free(block);
}

void unmap(void *map, long size)
{
    munmap(map, (size_t)size);
}

/* Both ends, then the middle. */
void unmap_in_parts(char *map, long size)
{
    munmap(map, 65536);
    munmap(map + size - 65536, 65536);
    munmap(map + 65536, (size_t)size - 2 * 65536);
}

void empty(void *map, long size)
{
    madvise(map, (size_t)size, MADV_DONTNEED);
}
