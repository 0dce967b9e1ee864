/* A heap capture that is being recorded, read again and again: what is there stays where it is, so that
 * only what is new is copied and checked, and of what was there the figures alone.
 *
 *     first     mp_heap_read_fd(): all of it, checked
 *     again     header ─► new texts, codes and nodes, checked ─► figures of nodes and threads
 *     another   the name is another file's, or the file another recording: all of it once more
 */
#ifndef MP_STORE_HEAP_FOLLOW_H
#define MP_STORE_HEAP_FOLLOW_H

#include <sys/types.h>

#include "store/heap/read.h"

struct mp_heap_follow {
    struct mp_heap_capture
        capture; /* of the latest reading; moments and sources of the first */
    char *path;  /* owned */
    int fd;      /* owned; -1: there is none */
    dev_t device;
    ino_t inode;
    uint64_t session;              /* another one for each recording that was found there */
    size_t chunks[MP_HEAP_TABLES]; /* that there is room for */
    void *chunk;                   /* owned: one of the file */
    struct mp_heap_header *previous; /* owned */
    uint64_t copied;                 /* bytes of tables, ever: for tests of work */
};

/* Reads it as it is now. The caller releases it, whatever the result. */
enum mp_heap_problem mp_heap_follow_open(struct mp_heap_follow *, const char *path);

/* Reads it again. *changed: whether any figure did. Where the file is gone the capture stays as it was, and that
   is no problem: its writer may have it open. */
enum mp_heap_problem mp_heap_follow_update(struct mp_heap_follow *, bool *changed);

void mp_heap_follow_release(struct mp_heap_follow *);

#endif
