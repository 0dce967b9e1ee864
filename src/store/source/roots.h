/* The folders below which sources are shown: a capture may be anybody's, and names what it likes.
 *
 *     the program's own      of the module that it started with, or of that module's package
 *     Python's and packages  .../lib/python3.N/..., .../site-packages/...
 *     the reader's           the current one, the capture's, those of --source-root
 */
#ifndef MP_STORE_SOURCE_ROOTS_H
#define MP_STORE_SOURCE_ROOTS_H

#include <stdbool.h>
#include <stddef.h>

enum { MP_SOURCE_ROOTS_NAMED = 16 };

/* What --source-root named. */
struct mp_source_named {
    const char *folders[MP_SOURCE_ROOTS_NAMED]; /* borrowed */
    size_t count;
};

struct mp_source_roots {
    char **
        folders; /* owned, each too: whole paths without links; "" is the file system's root */
    size_t count, room;
};

/* NULL, or what is wrong with the value of --source-root. */
const char *mp_source_named_add(struct mp_source_named *, const char *folder);

/* The current folder, the capture's and those that were named; `named` may be NULL. What cannot be found is left out, as
   is what there is no memory for. */
void mp_source_roots_init(struct mp_source_roots *, const char *capture,
                          const struct mp_source_named *named);

/* One more folder, by any name of it; the whole file system is none. */
void mp_source_roots_add(struct mp_source_roots *, const char *folder);

/* Where an import would look for the module that a program began with, or for its package. */
void mp_source_roots_add_program(struct mp_source_roots *, const char *file, size_t length);

void mp_source_roots_release(struct mp_source_roots *);

/* Whether a whole path without links lies below one of them. */
bool mp_source_roots_hold(const struct mp_source_roots *, const char *path);

#endif
