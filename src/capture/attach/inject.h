/* Has a process run a Python file of ours, once: one of its threads is stopped, made to make a few calls
 * before it goes on, and let go at once.
 *
 *     direct    a thread that waits in a system call without the interpreter's lock runs the file
 *               itself: PyGILState_Ensure, PyRun_SimpleString, PyGILState_Release
 *     pending   any thread leaves it for the main one: mmap, memccpy, Py_AddPendingCall; that runs it
 *               when it next looks, in Python code
 *     remote    in place of that from 3.14 on, where it was not switched off (PEP 768): the main one
 *               finds it in its own state; no thread is stopped
 *
 * A process that makes this one end in between finds the thread running on as if nothing had been, or with
 * all calls made: there is no step in the middle. No memory of the target becomes executable.
 */
#ifndef MP_CAPTURE_ATTACH_INJECT_H
#define MP_CAPTURE_ATTACH_INJECT_H

#include <stdint.h>
#include <sys/types.h>

#include "capture/attach/target.h"

enum mp_injection_way { MP_INJECTION_DIRECT, MP_INJECTION_PENDING, MP_INJECTION_REMOTE };

struct mp_injection {
    enum mp_injection_way way;
    pid_t tid;       /* of the thread that was stopped */
    int64_t stopped; /* ns that we held it; running the file directly comes on top */
};

enum mp_injection_problem {
    MP_INJECTION_OK,
    MP_INJECTION_SYSTEM,    /* errno says what */
    MP_INJECTION_FORBIDDEN, /* the kernel does not let us */
    MP_INJECTION_NO_THREAD, /* none could be stopped where it may be; try again */
    MP_INJECTION_GONE       /* the process ended */
};

/* What is added to the file's name for the remote way: that one must stay where it is, whoever has run the
   other, until mp_inject_no_more(). */
#define MP_INJECTION_REMOTE_NAME ".remote"

/* Once mp_target_look_again() found nothing. `file` is the process's own name of it; the code in it finds
   `page` among its globals: an address of MP_INJECTION_PAGE bytes that it is to unmap, or 0. */
enum mp_injection_problem mp_inject(struct mp_target *, const char *file,
                                    struct mp_injection *);
enum { MP_INJECTION_PAGE = 4096 };

/* Before the files go. */
void mp_inject_no_more(const struct mp_target *, const char *file);

/* The same, of one thread; `direct`: in no other way. For tests of every thread. */
enum mp_injection_problem mp_inject_thread(struct mp_target *, pid_t tid, bool direct,
                                           const char *file, struct mp_injection *);

#endif
