/* Which function of one capture is which of another, and which line: code that moved is the same.
 *
 *     shop/cache.py  Cache.put        before            after
 *                                     41  key = ...     71  key = ...
 *                                                       72  check(key)         new
 *                                     42  self.d[k] = v 73  self.d[k] = v
 *
 * Functions are paired by file and qualified name, several of one name in their order. The lines of one that
 * changed are paired by their text where both sides have it; else, within one version of Python, by
 * the instructions and columns that they have; else by how far down in the function they are.
 */
#ifndef MP_AGGREGATE_HEAP_TWINS_H
#define MP_AGGREGATE_HEAP_TWINS_H

#include <stdbool.h>

#include "aggregate/heap/own.h"
#include "aggregate/heap/twin_files.h"

/* A line of source without its end; NULL where there is none. Valid until the next call. */
typedef const char *mp_heap_line_text(void *context, const struct mp_heap_view *,
                                      struct mp_heap_text file, int line, size_t *length);

/* One of the two that are compared; borrows all. */
struct mp_heap_side {
    const struct mp_heap_view *view;
    const struct mp_heap_own *own;
    const int *lines;        /* of each node */
    mp_heap_line_text *text; /* NULL: there is no source */
    void *context;
    bool is_earlier; /* moment of the other one's run, which has what was not freed since */
};

/* A function of either, or of both. */
struct mp_heap_twin {
    uint32_t code[MP_HEAP_SIDES]; /* the first of its codes; 0: it is not there */
    uint32_t file;                /* its number in both */
    uint32_t from, count;         /* where its pairs are; */
    bool paired;                  /* else its lines lie alike */
};

struct mp_heap_twins {
    struct mp_heap_twin_files files;
    uint32_t *functions[MP_HEAP_SIDES]; /* owned as all; of each code: its function */
    struct mp_heap_twin *twins;
    struct mp_heap_line_pair {
        int before, after; /* after 0: it is gone */
    } * pairs;             /* of each function by their line before */
    size_t count, pair_count, pair_room;
};

/* 0, or -1 with errno ENOMEM. The caller releases it either way. */
int mp_heap_twins_init(struct mp_heap_twins *, const struct mp_heap_side *sides);
void mp_heap_twins_release(struct mp_heap_twins *);

/* Where a line that a function had before is after; 0: nowhere. */
int mp_heap_twins_line(const struct mp_heap_twins *, const struct mp_heap_side *sides,
                       uint32_t function, int before);

/* The minor version of Python, by the folder of its library; 0: unknown. */
int mp_heap_python(const struct mp_heap_view *);

#endif
