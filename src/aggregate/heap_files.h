/* A heap capture by file: which hold most, and each line of one file.
 *
 *     lines ─► groups: a file of the program, a package of site-packages, the standard library
 *       └────► listing of one file: figures by line number, and the functions they are in
 */
#ifndef MP_AGGREGATE_HEAP_FILES_H
#define MP_AGGREGATE_HEAP_FILES_H

#include "aggregate/heap_lines.h"

enum mp_heap_group_kind {
    MP_HEAP_PROGRAM, /* one file */
    MP_HEAP_PACKAGE, /* what one folder or module of site-packages or dist-packages holds */
    MP_HEAP_LIBRARY, /* Python's own modules, all of them; its name is empty */
    MP_HEAP_OWN,     /* memory_profiler itself; its name is empty */
    MP_HEAP_NOWHERE  /* no Python code was running */
};

struct mp_heap_group {
    enum mp_heap_group_kind kind;
    struct mp_heap_text name; /* of the file, or what the package's files begin with */
    size_t files;
    struct mp_heap_line sum;
};

struct mp_heap_groups {
    struct mp_heap_group *groups; /* owned; those that held most at the peak first */
    size_t count, room;
};

/* `apart`: files of packages and of the library one by one. Sorts the lines.
   0, or -1 with errno ENOMEM, as both. */
int mp_heap_groups_init(struct mp_heap_groups *, const struct mp_heap_view *,
                        struct mp_heap_lines *, bool apart);
void mp_heap_groups_release(struct mp_heap_groups *);

enum mp_heap_group_kind mp_heap_file_kind(const struct mp_heap_view *, struct mp_heap_text);

struct mp_heap_function {
    uint32_t code;
    int first, last; /* lines, decorators included */
};

/* One file. */
struct mp_heap_listing {
    struct mp_heap_text file;
    struct mp_heap_line sum;
    struct mp_heap_line *lines; /* owned; by number, each number once */
    size_t count, room;
    struct mp_heap_function *functions; /* owned; those that allocated, by first line */
    size_t function_count, function_room;
};

int mp_heap_listing_init(struct mp_heap_listing *, const struct mp_heap_view *,
                         struct mp_heap_lines *, struct mp_heap_text file);
void mp_heap_listing_release(struct mp_heap_listing *);

#endif
