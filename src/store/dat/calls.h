/* Function records, written by the profiled program itself into the run's .dat file as they
 * happen: a CALL when a function is entered, FUNC (which memory_profiler 0.61 reads) and DONE
 * when it is left. docs/dat-file.md has the grammar.
 *
 * We live in somebody else's process here: no stdio, no allocation after open, errno is kept,
 * and a descriptor that is no longer our file is dropped, never written to or closed: the file is
 * then found again by its name.
 */
#ifndef MP_STORE_DAT_CALLS_H
#define MP_STORE_DAT_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "record/run_notice.h"

/* Records that could not be written: in a page of mprof's which the processes of its run share, so
   that those are counted, too, which a process that was killed cannot tell of. */
struct mp_calls_lost {
    char magic[8];
    uint32_t records;
    int error; /* why the last one was lost: errno */
};

struct mp_calls {
    struct mp_run_notice notice;
    int fd;     /* owned; -1 when it was lost */
    char *path; /* owned */
    dev_t device;
    ino_t inode;                /* 0: the file was never opened */
    uint32_t calls;             /* entered so far; numbers them */
    struct mp_calls_lost *lost; /* mapped; NULL where mprof cannot be reached */
};

/* One open call. The name is borrowed until it is left. */
struct mp_call {
    uint32_t id;
    int level;
    const char *name;
    size_t length;
    int64_t bytes, time;
    int lost;  /* records of it that could not be written, and mprof does not know of */
    int error; /* why: errno */
};

/* Opens the run's file; where it cannot be opened now, each record tries again. 0, or -1 with errno
   (ENOENT: not under mprof, EINVAL: not a file, ENOMEM). The struct may move neither while in use
   nor between threads' calls. */
int mp_calls_open(struct mp_calls *);

/* Records that a function was entered, with the memory at that moment. Any thread may call. */
void mp_calls_enter(struct mp_calls *, struct mp_call *, const char *name, size_t length,
                    int level, int64_t bytes);
void mp_calls_leave(struct mp_calls *, struct mp_call *, int64_t bytes);

/* Counts lost records where mprof reads it. False: nobody does. */
bool mp_calls_lose(struct mp_calls *, unsigned records, int error);

/* In mprof: a page of zeros, and the descriptor for the notice; or NULL. */
struct mp_calls_lost *mp_calls_lost_make(int *fd);

void mp_calls_release(struct mp_calls *);

#endif
