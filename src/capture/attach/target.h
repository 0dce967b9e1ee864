/* A process that is to be attached to: who it is, and why it may not be touched. Nothing here changes it
 * or stops it.
 *
 * It is the process that had the number at open: what is read goes through a descriptor of /proc/PID,
 * which fails once that process is gone, whoever has its number then.
 */
#ifndef MP_CAPTURE_ATTACH_TARGET_H
#define MP_CAPTURE_ATTACH_TARGET_H

#include <stdbool.h>
#include <sys/types.h>

#include "capture/attach/mappings.h"
#include "capture/attach/python.h"

struct mp_target {
    pid_t pid;
    int proc, mem; /* descriptors of /proc/PID and its mem; -1 */
    uid_t user;    /* whose rights it has: files that it makes are theirs */
    gid_t group;
    uid_t starter; /* its real user: another one, in a set-uid program */
    pid_t tracer;  /* who traces it already; 0 */
    char name[64]; /* of the program */
    struct mp_mappings mappings;
    struct mp_python python;
};

enum mp_target_problem {
    MP_TARGET_OK,
    MP_TARGET_SYSTEM,  /* errno says what */
    MP_TARGET_NO_PROC, /* /proc is not mounted */
    MP_TARGET_NONE,    /* no such process */
    MP_TARGET_SELF,
    MP_TARGET_KERNEL,  /* has no memory of its own */
    MP_TARGET_ENDED,   /* a zombie */
    MP_TARGET_STOPPED, /* by a signal */
    MP_TARGET_TRACED,
    MP_TARGET_FORBIDDEN, /* we may not look into it */
    MP_TARGET_FOREIGN,   /* a program of another machine, of 32 bits */
    MP_TARGET_NO_PYTHON,
    MP_TARGET_PYPY,
    MP_TARGET_HIDDEN, /* a Python without symbols */
    MP_TARGET_OLD,
    MP_TARGET_UNKNOWN, /* a version that this program does not know */
    MP_TARGET_FREE_THREADED,
    MP_TARGET_NO_LIBC,
    MP_TARGET_GUARDED,  /* by a shadow stack */
    MP_TARGET_STARTS,   /* its interpreter has not begun, */
    MP_TARGET_ENDS,     /* or is ending */
    MP_TARGET_ELSEWHERE /* its main thread is in a sub-interpreter */
};

/* The caller releases it, whatever the result. */
enum mp_target_problem mp_target_open(struct mp_target *, pid_t pid);
void mp_target_release(struct mp_target *);

/* Looks at what may have changed since, before each time that it is touched. */
enum mp_target_problem mp_target_look_again(struct mp_target *);

/* The value of a line of /proc/PID/NAME ("State:"), trimmed, cut to `room`. False: there is none. */
bool mp_target_line(int proc, const char *name, const char *key, char *value, size_t room);

#endif
