/* Reads heap captures: finished, cut short, or being written at this moment.
 *
 * The file is copied, then every number that leads somewhere else is checked, before anything
 * uses it. Memory is bounded by the format: 512 MiB and the tables' ends.
 */
#ifndef MP_STORE_HEAP_READ_H
#define MP_STORE_HEAP_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "record/heap.h"
#include "store/heap/header.h"
#include "store/heap/writer.h"

struct mp_heap_capture {
    struct mp_heap_view view;
    enum mp_heap_writer writer; /* of one that is not clean */
    const char *incomplete;     /* why something may be missing, NULL when nothing is */
    uint32_t found;             /* version of the format */
    const char *wrong;          /* of a damaged one, at byte `offset` of the file */
    int64_t offset;
    void *tables[MP_HEAP_TABLES]; /* owned: what the view shows */
};

/* Fills *capture, which the caller releases whatever the result. */
enum mp_heap_problem mp_heap_read(struct mp_heap_capture *, const char *path);
enum mp_heap_problem mp_heap_read_fd(struct mp_heap_capture *, int fd);

/* When a heap capture began, ns since 1970, 0 when the file does not say; -1 when it is not a
   heap capture, nor a bundle of them, or not a regular file. Links are not followed. */
int64_t mp_heap_started(const char *path);

/* Whether it is the capture of a run's process that is not the first. */
bool mp_heap_is_childs(const char *path);

/* Its header; false where there is none that can be read. Links are not followed. */
bool mp_heap_peek(const char *path, struct mp_heap_header *);

void mp_heap_capture_release(struct mp_heap_capture *);

#endif
