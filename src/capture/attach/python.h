/* Which interpreter a process has, and what its threads are to it, as its own memory says.
 *
 *     _PyRuntime ─► the main interpreter ─┬─► its lock: taken, and who had it last
 *                                         └─► states of threads, each with its kernel thread
 *
 * Where these words lie is fixed within a minor version: a row a version for 3.11 and 3.12, the table
 * that newer ones begin _PyRuntime with for the others.
 */
#ifndef MP_CAPTURE_ATTACH_PYTHON_H
#define MP_CAPTURE_ATTACH_PYTHON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/attach/mappings.h"

/* Byte offsets: in the runtime, in an interpreter, in the state of a thread. */
struct mp_python_layout {
    uint64_t main, finalizing;
    uint64_t threads, holder,
        locked;   /* of the lock: in the runtime where `lock_is_global` */
    uint64_t gil; /* the interpreter's pointer to its lock, 0: within it */
    bool lock_is_global;
    uint64_t next, interpreter, native_id, status;
};

/* PEP 768: how the main thread is told of a file that it is to run, from 3.14 on. */
struct mp_python_remote {
    uint64_t enabled;       /* in an interpreter: an int */
    uint64_t main;          /* in an interpreter: the state of its main thread */
    uint64_t breaker;       /* in the state of a thread: bits that it looks at */
    uint64_t asked, script; /* in the same: an int; the file's name, */
    uint64_t script_size;   /* of so many bytes at most. 0: there is no such way */
};

struct mp_python {
    int mem;          /* /proc/PID/mem, the caller's */
    uint32_t version; /* as PY_VERSION_HEX */
    bool free_threaded, is_glibc;
    uint64_t runtime, runtime_end;              /* _PyRuntime, and where its mapping ends */
    uint64_t add_pending, run, ensure, release; /* functions */
    uint64_t own_run; /* of memory_profiler, to run a request; 0: it is not loaded */
    uint64_t copy, map,
        restorer; /* of libc: memccpy, mmap, and what signal handlers return to */
    struct mp_python_layout layout;
    struct mp_python_remote remote;
};

enum mp_python_found {
    MP_PYTHON_FOUND,
    MP_PYTHON_NONE,    /* nothing of CPython's is there */
    MP_PYTHON_OTHER,   /* PyPy */
    MP_PYTHON_HIDDEN,  /* it seems to be one, but exports nothing */
    MP_PYTHON_OLD,     /* before 3.11 */
    MP_PYTHON_UNKNOWN, /* a version that we have no row for */
    MP_PYTHON_NO_LIBC  /* the C library is none that we know */
};

/* Fills it in as far as it can. `name`: of the program, to tell what it seems to be. */
enum mp_python_found mp_python_find(struct mp_python *, int mem, const struct mp_mappings *,
                                    const char *name);

static inline int mp_python_major(const struct mp_python *python)
{
    return (int)(python->version >> 24);
}

static inline int mp_python_minor(const struct mp_python *python)
{
    return (int)(python->version >> 16 & 0xff);
}

enum mp_python_phase { MP_PYTHON_STARTS, MP_PYTHON_RUNS, MP_PYTHON_ENDS };

/* Whether it has begun, and not begun to end. */
enum mp_python_phase mp_python_phase(const struct mp_python *);

/* What a kernel thread, by the number that the process itself has for it, is to the main interpreter. */
struct mp_python_thread {
    uint64_t state; /* 0: it runs no Python code there */
    bool is_main;   /* the first one */
    bool holds_lock;
    bool is_elsewhere; /* it is in another interpreter for now */
};

struct mp_python_thread mp_python_thread(const struct mp_python *, pid_t native_id);

/* Asks its main thread to run a file when it next looks; nothing is stopped. False: it has no such way, or it
   was switched off. */
bool mp_python_ask(const struct mp_python *, const char *file);

/* It is not to run that file any more: one that is not there it would complain of, on its stderr. */
void mp_python_ask_no_more(const struct mp_python *, const char *file);

/* Whether an address lies in the state of the runtime or of its main interpreter. */
bool mp_python_has(const struct mp_python *, uint64_t address);

#endif
