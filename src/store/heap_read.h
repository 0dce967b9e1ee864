/* Reads heap captures: finished, cut short, or being written at this moment.
 *
 * The file is copied, then every number that leads somewhere else is checked, before anything
 * uses it. Memory is bounded by the format: 32 MiB and the tables' ends.
 */
#ifndef MP_STORE_HEAP_READ_H
#define MP_STORE_HEAP_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "record/heap.h"

enum mp_heap_problem {
    MP_HEAP_OK,
    MP_HEAP_SYSTEM,  /* errno says what */
    MP_HEAP_FOREIGN, /* not a heap capture */
    MP_HEAP_FUTURE,  /* made by version `found` of the format */
    MP_HEAP_DAMAGED  /* `wrong` at byte `offset` of the file */
};

struct mp_heap_capture {
    struct mp_heap_view view;
    const char *incomplete; /* why something may be missing, NULL when nothing is */
    uint32_t found;
    const char *wrong;
    int64_t offset;
    void *tables[MP_HEAP_TABLES]; /* owned: what the view shows */
};

/* Fills *capture, which the caller releases whatever the result. */
enum mp_heap_problem mp_heap_read(struct mp_heap_capture *, const char *path);
enum mp_heap_problem mp_heap_read_fd(struct mp_heap_capture *, int fd);

/* When a heap capture began, ns since 1970, 0 when the file does not say; -1 when it is not a
   heap capture, or not a regular file. Links are not followed. */
int64_t mp_heap_started(const char *path);

/* The words that a capture's process was started with, as in its header; empty where there are
   none to be had. */
void mp_heap_words(const char *path, char words[MP_HEAP_COMMAND]);

/* Bytes between its samples; 0 where every block was recorded, or where the file does not say. */
uint64_t mp_heap_sample(const char *path);

void mp_heap_capture_release(struct mp_heap_capture *);

#endif
