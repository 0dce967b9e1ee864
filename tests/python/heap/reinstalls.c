/* What Scalene preloads: an allocator before Python's, once as the library is loaded and once more, before
   whichever is there by then, when it is told to. */
#include <stddef.h>

struct allocator {
    void *ctx;
    void *(*malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *);
};

void PyMem_GetAllocator(int domain, struct allocator *);
void PyMem_SetAllocator(int domain, struct allocator *);

enum { OBJECTS = 2 };

static struct allocator original;

static void *allocate(void *ctx, size_t size)
{
    (void)ctx;
    char *volatile block = original.malloc(original.ctx, size); /* no jump: the stack ends */
    return block;
}

void scalene_reinstall_local_allocators(void)
{
    struct allocator local;
    PyMem_GetAllocator(OBJECTS, &local);
    if (local.malloc == allocate)
        return;
    original = local;
    local.malloc = allocate;
    PyMem_SetAllocator(OBJECTS, &local);
}

__attribute__((constructor)) static void install(void)
{
    scalene_reinstall_local_allocators();
}
