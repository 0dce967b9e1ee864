/* The meter: one process's memory, from a descriptor of /proc that stays open.
 *
 * RSS is one pread of /proc/PID/statm (0.4 us at any size). PSS and USS read smaps_rollup,
 * which walks the page tables (43 us for a small process, 2.4 ms at 1 GiB).
 *
 * A meter of our own process survives fork (the child reads itself, not its parent), a program
 * that closes or replaces our descriptor, and a full descriptor table (it then opens, reads and
 * closes each time).
 */
#ifndef MP_CAPTURE_PROCESS_METER_H
#define MP_CAPTURE_PROCESS_METER_H

#include <stdint.h>
#include <sys/types.h>

enum mp_metric { MP_RSS, MP_PSS, MP_USS };

struct mp_meter {
    pid_t pid; /* 0: the calling process */
    enum mp_metric metric;
    dev_t device; /* the identity of the file behind fd */
    ino_t inode;
    int fd;              /* owned; -1 when it could not be kept */
    unsigned generation; /* of the fork that opened it */
    uint64_t reads;      /* readings taken, for tests of work */
    int64_t shared;      /* pages of files and shared memory in the last RSS, bytes */
};

/* Opens the meter of a process (0: our own). Returns 0, or -1 with errno: ESRCH no such process,
   EACCES not allowed (PSS and USS of another user), ENOENT no /proc. */
int mp_meter_open(struct mp_meter *, pid_t pid, enum mp_metric);

/* The same from a descriptor of the metric's file, opened by the caller; the meter owns it now. */
void mp_meter_adopt(struct mp_meter *, int fd, pid_t pid, enum mp_metric);

/* Bytes now, or -1 with errno (ESRCH once the process is gone). RSS: one pread, no allocation.
   A zombie reads as 0 bytes of RSS. */
int64_t mp_meter_read(struct mp_meter *);

void mp_meter_release(struct mp_meter *);

/* The largest RSS of the process so far (VmHWM), in bytes; -1 with errno. Opens and closes. */
int64_t mp_meter_high_water(pid_t pid);

/* Sets VmHWM back to the present RSS. 0, or -1 with errno (EACCES, or no such file). */
int mp_meter_reset_high_water(pid_t pid);

/* How finely this kernel counts RSS, in bytes: the most that memory just touched can stay
   uncounted. Measured by touching pages one by one; a few microseconds. */
int64_t mp_meter_granularity(void);

/* The number of times this process is a forked child; changes exactly in a new child. */
unsigned mp_meter_generation(void);

#endif
