/* Names of files as people say them: from the working directory on, from site-packages on, from
 * Python's library on.
 *
 *     /v/lib/python3.12/site-packages/numpy/core/a.py ─► numpy/core/a.py
 *     /usr/lib/python3.12/json/decoder.py             ─► json/decoder.py
 */
#ifndef MP_AGGREGATE_HEAP_PATHS_H
#define MP_AGGREGATE_HEAP_PATHS_H

#include <stddef.h>

#include "aggregate/heap/distinct.h"
#include "record/heap.h"

struct mp_heap_paths {
    const struct mp_heap_view *view; /* borrowed, as `here` */
    const char *here;                /* the working directory; NULL: unknown */
    struct mp_heap_path {
        struct mp_heap_text file, name; /* the short one */
    } * paths;                          /* owned as all: each once, by its short name */
    size_t count;
    struct mp_heap_distinct files;
    struct mp_heap_text *names; /* of each of `files`: what it is called */
};

/* 0, or -1 with errno ENOMEM. */
int mp_heap_paths_init(struct mp_heap_paths *, const struct mp_heap_view *,
                       const char *here);
void mp_heap_paths_release(struct mp_heap_paths *);

/* The short name of a file, or of a folder as a path up to it; the whole one where the short one
   could be another file's of the capture. Of code that is in no file what the capture calls it. */
struct mp_heap_text mp_heap_paths_short(const struct mp_heap_paths *,
                                        struct mp_heap_text file);

/* What follows site-packages, dist-packages or the folder of Python's library; the whole name of
   any other file. */
struct mp_heap_text mp_heap_installed(const struct mp_heap_view *,
                                      struct mp_heap_text file);

#endif
