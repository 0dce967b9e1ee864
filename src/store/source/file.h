/* Source files that a capture names. A capture may be anybody's: no other file is read, and only
 * a regular one, no link, of ours or root's, that is Python by its name or its first line and lies
 * where sources may (roots.h).
 */
#ifndef MP_STORE_SOURCE_FILE_H
#define MP_STORE_SOURCE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/source/roots.h"

/* Whose capture it is. */
struct mp_source_place {
    const char
        *capture;  /* borrowed; its path: names of files may be relative to its folder */
    int64_t owner; /* of the capture, or -1 */
    struct mp_source_roots roots;
};

struct mp_source_file {
    char *text; /* owned; NULL: not read */
    size_t length;
    int64_t modified; /* ns since 1970 */
    const char *why;  /* it is not read, or NULL */
    bool outside;     /* since it lies elsewhere */
};

/* `named` as in mp_source_roots_init(). */
void mp_source_place_init(struct mp_source_place *, const char *capture,
                          const struct mp_source_named *named);
void mp_source_place_release(struct mp_source_place *);

/* Whatever becomes of it, the caller frees the text. */
void mp_source_file_read(struct mp_source_file *, const struct mp_source_place *,
                         const char *path);

#endif
