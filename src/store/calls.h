/* Function records, written by the profiled program itself into the run's .dat file as they
 * happen: a CALL when a function is entered, FUNC (which memory_profiler 0.61 reads) and DONE
 * when it is left. docs/dat-file.md has the grammar.
 *
 * We live in somebody else's process here: no stdio, no allocation after open, errno is kept,
 * and a descriptor that is no longer our file is dropped, never written to or closed.
 */
#ifndef MP_STORE_CALLS_H
#define MP_STORE_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "record/run_notice.h"

struct mp_calls {
    struct mp_run_notice notice;
    int fd; /* owned; -1 when it was lost */
    dev_t device;
    ino_t inode;
    uint32_t calls;   /* entered so far; numbers them */
    uint32_t dropped; /* records that could not be written */
};

/* One open call. The name is borrowed until it is left. */
struct mp_call {
    uint32_t id;
    int level;
    const char *name;
    size_t length;
    int64_t bytes, time;
};

/* Opens the run's file. 0, or -1 with errno (ENOENT: not under mprof). The struct may move
   neither while in use nor between threads' calls. */
int mp_calls_open(struct mp_calls *);

/* Records that a function was entered, with the memory at that moment. Any thread may call. */
void mp_calls_enter(struct mp_calls *, struct mp_call *, const char *name, size_t length,
                    int level, int64_t bytes);
void mp_calls_leave(struct mp_calls *, struct mp_call *, int64_t bytes);

void mp_calls_release(struct mp_calls *);

#endif
