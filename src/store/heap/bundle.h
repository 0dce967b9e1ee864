/* Many captures in one file, each whole: what `mprof merge` writes. A member is named as if the file
 * were a folder, all.mprof/node1.4711.mprof, wherever a capture is.
 *
 *     | head | pages of member 0 that are not empty | of member 1 | ... | index |
 *
 * head     magic, version, members, where the index is and its size, when the first one began
 * index    of each member: its size, how many runs of pages, the length of its name; the runs, each
 *          from where in the member, from where in this file, and how long; the name, to 8 bytes
 */
#ifndef MP_STORE_HEAP_BUNDLE_H
#define MP_STORE_HEAP_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#define MP_BUNDLE_MAGIC "mprof\x1amg"

enum { MP_BUNDLE_VERSION = 1, MP_BUNDLE_PAGE = 4096, MP_BUNDLE_NAME = 255 };

struct mp_bundle_head {
    char magic[8];
    uint32_t version, count;
    uint64_t index, index_size;
    int64_t started; /* ns since 1970 */
};

struct mp_bundle_entry {
    uint64_t size; /* of the member, holes included */
    uint32_t runs, name_length;
};

struct mp_bundle_run {
    uint64_t to, from, length; /* in the member; in this file */
};

struct mp_bundle {
    int fd;
    int64_t size; /* of the file */
    struct mp_bundle_head head;
    char *index; /* owned */
    struct mp_bundle_member {
        const struct mp_bundle_entry *entry; /* borrowed, as the others */
        const struct mp_bundle_run *runs;
        char *name; /* owned */
    } * members;    /* owned */
};

/* 0, or -1 with errno: EINVAL it is no bundle, or of a later version, EBADMSG it is damaged. Released by the
   caller either way. */
int mp_bundle_open(struct mp_bundle *, const char *path);
void mp_bundle_release(struct mp_bundle *);

/* A file in memory with the member's bytes, or -1 with errno. */
int mp_bundle_extract(const struct mp_bundle *, size_t member);

/* The same of FILE/NAME; errno ENOTDIR where FILE is no bundle, ENOENT where it has no such member. */
int mp_bundle_extract_path(const char *path);

/* Writes one: members are copied as they are now, however many holes they have. */
struct mp_bundle_writer {
    int fd;
    uint64_t at; /* where the next run goes */
    struct mp_bundle_head head;
    char *index; /* owned */
    size_t index_size, index_room;
};

void mp_bundle_begin(struct mp_bundle_writer *, int fd);

/* 0, or -1 with errno, of reading or of writing. */
int mp_bundle_add(struct mp_bundle_writer *, int from, const char *name, int64_t started);

/* Without it nothing is a bundle. 0, or -1 with errno. */
int mp_bundle_end(struct mp_bundle_writer *);

#endif
