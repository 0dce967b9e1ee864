/* The file of a running heap capture: tables in a shared mapping, which is all the writing there
 * is. What a killed process leaves behind is a complete capture; docs/heap-file.md.
 *
 *     file     | header | nodes | codes | text | threads | nodes | text | nodes | ...   64 KiB each
 *                  │        └────────┐
 *     address   header   nodes: [ 0 ..1023 | 1024.. | reserved, no memory ...]  codes: [ ... ]
 *
 * Each chunk is allocated on the disk before it is mapped: a full disk is an error here, never a
 * SIGBUS. Who cuts it short meanwhile ends the recording, not the program. Where that cannot be promised the tables are private memory, written at the end.
 */
#ifndef MP_STORE_HEAP_FILE_H
#define MP_STORE_HEAP_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/guard.h"
#include "record/heap.h"

struct mp_heap_file {
    struct mp_heap heap; /* first: the tables' users have no other name for us */
    char *base;          /* owned: the reserved addresses */
    char *path;          /* owned: to find the file again; NULL without one */
    int fd;              /* owned; -1 without a file */
    dev_t device;
    ino_t inode;
    bool in_memory;     /* the file is written at the end */
    bool has_keeper;    /* another process gives back what of it is not needed */
    unsigned allocated; /* chunks that the disk has room for */
    struct mp_guarded guarded;
    int error; /* errno of the first growth that the system refused, or 0 */
    unsigned order[MP_HEAP_TABLES]; /* chunks each table has */
};

/* Starts a capture. `fd` is open for reading and writing, empty, and taken over; -1 keeps the
   capture in memory. `path` (copied, may be NULL) finds it again when the program closes our
   descriptor. `most`: bytes that the file may have, 0 for as many as is usual; more or less than the
   format allows is the nearest that it does. 0, or -1 with errno and fd closed. */
int mp_heap_file_open(struct mp_heap_file *, int fd, const char *path, uint64_t most);

/* Says that nothing is missing; writes what was kept in memory. 0, or -1 with errno: ESTALE the
   file was cut short. The tables can still be read. */
int mp_heap_file_finish(struct mp_heap_file *);

/* Writes a capture that is in memory and has ended into an empty file. 0, or -1 with errno. */
int mp_heap_file_write(const struct mp_heap_file *, int fd);

/* Unmaps; leaves the file as it is. */
void mp_heap_file_release(struct mp_heap_file *);

#endif
