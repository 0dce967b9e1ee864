#include "plugin.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CALLS(type, name, parameters, call) \
    static type plugin_##name parameters    \
    {                                       \
        return call;                        \
    }

void (*plugin_gate)(void);

#ifdef GATED
extern int gate_passed(void);
int (*plugin_needs)(void) = gate_passed;
#endif

static void *(*volatile pointer)(size_t) = malloc;

CALLS(void *, malloc, (size_t size), malloc(size))
CALLS(void *, calloc, (size_t count, size_t size), calloc(count, size))
CALLS(void *, realloc, (void *from, size_t size), realloc(from, size))
CALLS(void *, reallocarray, (void *from, size_t count, size_t size),
      reallocarray(from, count, size))
CALLS(void *, memalign, (size_t alignment, size_t size), memalign(alignment, size))
CALLS(void *, aligned_alloc, (size_t alignment, size_t size),
      aligned_alloc(alignment, size))
CALLS(int, posix_memalign, (void **to, size_t alignment, size_t size),
      posix_memalign(to, alignment, size))
CALLS(void *, valloc, (size_t size), valloc(size))
CALLS(void *, pvalloc, (size_t size), pvalloc(size))
CALLS(char *, strdup, (const char *text), strdup(text))
CALLS(void *, by_pointer, (size_t size), pointer(size))
CALLS(void *, mmap, (size_t length, int protection, int flags),
      mmap(NULL, length, protection, flags, -1, 0))
CALLS(void *, mmap64, (size_t length, int protection, int flags),
      mmap64(NULL, length, protection, flags, -1, 0))
CALLS(int, munmap, (void *address, size_t length), munmap(address, length))
CALLS(void *, mremap, (void *address, size_t from, size_t to),
      mremap(address, from, to, MREMAP_MAYMOVE))
CALLS(int, mprotect, (void *address, size_t length, int protection),
      mprotect(address, length, protection))
CALLS(int, madvise, (void *address, size_t length, int advice),
      madvise(address, length, advice))
CALLS(int, brk, (void *to), brk(to))
CALLS(void *, sbrk, (long by), sbrk(by))
CALLS(void *, dlsym, (void *handle, const char *name), dlsym(handle, name))

/* Not a tail call, which would make this object's caller the one that dlopen sees. */
static void *plugin_dlopen(const char *path, int flags)
{
    void *volatile handle = dlopen(path, flags);
    return handle;
}

static void plugin_free(void *address)
{
    free(address);
}

static struct plugin here = {
    plugin_malloc,
    plugin_calloc,
    plugin_realloc,
    plugin_reallocarray,
    plugin_memalign,
    plugin_aligned_alloc,
    plugin_posix_memalign,
    plugin_valloc,
    plugin_pvalloc,
    plugin_free,
    plugin_strdup,
    plugin_by_pointer,
    plugin_mmap,
    plugin_mmap64,
    plugin_munmap,
    plugin_mremap,
    plugin_mprotect,
    plugin_madvise,
    plugin_brk,
    plugin_sbrk,
    plugin_dlopen,
    plugin_dlsym,
};

__attribute__((constructor)) static void construct(void)
{
    here.constructed = malloc(CONSTRUCTED);
}

__attribute__((destructor)) static void destruct(void)
{
    void *volatile last = malloc(DESTRUCTED);
    free(last);
}

const struct plugin *plugin_here(void)
{
    return &here;
}
