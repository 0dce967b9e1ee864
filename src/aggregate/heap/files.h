/* A heap capture by file: the program's one by one, others by package, to see which hold most. */
#ifndef MP_AGGREGATE_HEAP_FILES_H
#define MP_AGGREGATE_HEAP_FILES_H

#include "aggregate/heap/lines.h"

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
    struct mp_heap_group
        *groups; /* owned; those with most at the peak, callees included, first */
    size_t count, room;
};

/* `apart`: files of packages and of the library one by one. 0, or -1 with errno ENOMEM. */
int mp_heap_groups_init(struct mp_heap_groups *, const struct mp_heap_view *,
                        const struct mp_heap_lines *, bool apart);
void mp_heap_groups_release(struct mp_heap_groups *);

#endif
