/* The threads of a process, and which of them may be made to run something. */
#ifndef MP_CAPTURE_ATTACH_THREADS_H
#define MP_CAPTURE_ATTACH_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "capture/attach/machine.h"
#include "capture/attach/target.h"

/* In the order in which they are tried. */
enum mp_thread_rank {
    MP_THREAD_MAIN_WAITS, /* may run Python code at once */
    MP_THREAD_WAITS,
    MP_THREAD_MAIN,
    MP_THREAD_OTHER,
    MP_THREAD_COUNTS_TIME /* waits for a stretch of time: its call would end early, with EINTR */
};

struct mp_thread {
    pid_t tid, native_id; /* as we number it, as the process does */
    enum mp_thread_rank rank;
};

struct mp_threads {
    struct mp_thread *items; /* owned */
    size_t count, room;
    bool can_be_direct;     /* one of them waits where it may run Python code */
    bool main_is_elsewhere; /* in another interpreter, where it would run what it is told */
};

/* As they are at this moment, without touching any. 0, or -1 with errno. */
int mp_threads_list(struct mp_threads *, const struct mp_target *);
void mp_threads_release(struct mp_threads *);

/* Whether one of them can run something in the main interpreter, now or soon. */
enum mp_target_problem mp_threads_check(const struct mp_target *);

/* The number by which the process itself knows one of its threads; 0: it is gone. */
pid_t mp_thread_native_id(const struct mp_target *, pid_t tid);

/* Whether a thread that waits so, with this top of its stack, may run Python code: Python waits there
   without its lock, and with none that it, or malloc, would need. */
bool mp_thread_waits(const struct mp_target *, pid_t native_id, const struct mp_blocked *,
                     uint64_t stack);

#endif
