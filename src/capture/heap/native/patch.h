/* Puts functions in the place of others by the relocations of every loaded object: its calls then
 * come to us, whether it was there before or is loaded later. No code is changed.
 *
 *     object ── call *slot ──► libc's malloc          before
 *     object ── call *slot ──► ours ── call ──► libc's malloc
 *                                └── our own object is left out, so it reaches the original
 *
 * Slots that hold neither the original nor a stub that would look it up (an object with a malloc
 * of its own) are left alone.
 */
#ifndef MP_CAPTURE_HEAP_NATIVE_PATCH_H
#define MP_CAPTURE_HEAP_NATIVE_PATCH_H

#include <stdbool.h>
#include <stddef.h>

enum { MP_PATCH_MOST = 64 };

struct mp_patch {
    const char *name;
    void *replacement;
    void **original; /* set by install to the first definition in load order; NULL: none */
    bool is_loaders; /* the loader's own definition counts too */
    bool is_allocators; /* only that of the object counts which has the malloc */
};

/* Patches every loaded object; the table is copied, its names are borrowed. 0, or -1 with errno:
   ENOTSUP (a sanitizer owns the allocator, or another machine), EPERM (the program runs with
   another's rights), E2BIG. Does nothing when they are installed. */
int mp_patch_install(const struct mp_patch *, size_t count);

/* Patches objects loaded since, and says whether there were any. Costs some 20 ns when there are
   none. Takes the lock that dl_iterate_phdr(3) takes, as dlopen and dlclose do, and no other. */
bool mp_patch_refresh(void);

/* Puts the originals back. No thread may be inside a replacement. For tests. */
void mp_patch_uninstall(void);

/* The entry of a name, or NULL. */
const struct mp_patch *mp_patch_find(const char *name);

/* Whether RTLD_NEXT from the object that holds `caller` is the original. */
bool mp_patch_is_next(const struct mp_patch *, const void *caller);

#endif
