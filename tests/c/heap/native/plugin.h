/* An object that is not ours and allocates: what the native hooks are there to see. */
#ifndef MP_TESTS_NATIVE_PLUGIN_H
#define MP_TESTS_NATIVE_PLUGIN_H

#include <stddef.h>

/* Each calls the function of its name from this object, and from no other. */
struct plugin {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*reallocarray)(void *, size_t, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*valloc)(size_t);
    void *(*pvalloc)(size_t);
    void (*free)(void *);
    char *(*strdup)(const char *); /* allocates inside libc */
    void *(*by_pointer)(size_t);   /* through a pointer in the object's data */

    void *(*mmap)(size_t, int protection, int flags);
    void *(*mmap64)(size_t, int protection, int flags);
    int (*munmap)(void *, size_t);
    void *(*mremap)(void *, size_t, size_t);
    int (*mprotect)(void *, size_t, int);
    int (*madvise)(void *, size_t, int);
    int (*brk)(void *);
    void *(*sbrk)(long);

    void *(*dlopen)(const char *, int);
    void *(*dlsym)(void *, const char *);
    void *
        constructed; /* malloc(CONSTRUCTED + 1) of its constructor; the first is of CONSTRUCTED */
};

enum { CONSTRUCTED = 4242, DESTRUCTED };

extern const struct plugin *plugin_here(void);

/* Called while an object that needs the gate is being relocated. */
extern void (*plugin_gate)(void);

#endif
