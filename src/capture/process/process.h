/* One watched process: who it is, what it holds, how high it went between two looks.
 *
 * Identity is the process the kernel had at open: the descriptors of /proc/PID stay bound to it
 * (they fail with ESRCH once it is gone, whoever gets its number next), and its start time is
 * kept to compare. High-water marks have one owner: we reset them (clear_refs) only where the
 * caller says they are ours, else we only see when the process exceeds its own record.
 */
#ifndef MP_CAPTURE_PROCESS_PROCESS_H
#define MP_CAPTURE_PROCESS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/process/meter.h"
#include "record/timeline.h"

enum mp_mark_policy { MP_MARKS_NONE, MP_MARKS_WATCH, MP_MARKS_OWN };

struct mp_process {
    pid_t pid, parent;
    uint64_t start; /* field 22 of stat, clock ticks since boot; 0 when not known */
    struct mp_meter meter;
    int status, clear; /* descriptors of /proc/PID/status and clear_refs; -1 */
    int64_t bytes;     /* the latest reading */
    int64_t highest;   /* the highest reading since the mark was last looked at */
    int64_t mark;      /* the mark as it was last seen (MP_MARKS_WATCH) */
    int64_t looked;    /* when */
    int64_t cpu;       /* for the caller: CPU time when it was last asked for */
    int names;         /* how often it had another one: an exec changes it */
    bool settled;      /* for the caller: it has memory of its own */
    bool named;        /* name is new since the caller last cleared this */
    char name[64];
};

/* Opens the process as it is now. 0, or -1 with errno: ESRCH no such process (or a zombie),
   EACCES not allowed, ENOENT no /proc. */
int mp_process_open(struct mp_process *, pid_t pid, enum mp_metric, enum mp_mark_policy);
void mp_process_release(struct mp_process *);

/* Bytes now; also kept in `bytes`, `highest`. -1 with errno ESRCH once it is gone or a zombie. */
int64_t mp_process_read(struct mp_process *);

/* CPU time that all its threads have spent, ns; -1 when the kernel does not say. One system call. */
int64_t mp_process_cpu(const struct mp_process *);

/* Looks at the mark, and resets it if it is ours. Returns the largest RSS since the last look
   when that exceeds every reading since, else -1. *from is the time of the last look. */
int64_t mp_process_look(struct mp_process *, int64_t now, int64_t *from);

/* Whether a process, maybe a zombie, has waited for a child of its own; true when in doubt. */
bool mp_process_had_children(pid_t pid);

/* Whether a largest RSS told after its end lies behind the last look: it is above what was seen
   since, and not what an earlier program had before it exec'd this one. */
bool mp_process_is_last_mark(const struct mp_process *, int64_t largest);

/* The start time of a process, 0 when it cannot be had. */
uint64_t mp_process_start_time(pid_t pid);

#endif
