/* Sampling: one process's memory over time, taken by a native thread of this process.
 *
 *     mp_sampling_open    the meter is open, nothing is read
 *     mp_sampling_start   one sample by the caller, then the thread takes one every interval
 *     mp_sampling_stop    the thread is gone, one last sample by the caller
 *
 * The thread knows nothing of Python: no lock of the interpreter, every signal blocked, a small
 * stack, absolute deadlines (a late sample does not delay the next; deadlines that passed are
 * skipped and counted). It is gone while the process forks: a thread that pthread_atfork
 * restarts would still be counted by Python 3.12, which warns of forks with threads, so the
 * Python door also holds all sampling from before its fork until after that look.
 *
 * One thread owns a sampling; start, stop and take are not to be called at the same time.
 */
#ifndef MP_CAPTURE_TIMELINE_SAMPLING_H
#define MP_CAPTURE_TIMELINE_SAMPLING_H

#include "capture/timeline/sampling_take.h"

/* Returns 0, or -1 with errno: what mp_meter_open says, or ENOMEM. */
int mp_sampling_open(struct mp_sampling *, const struct mp_sampling_options *);

/* 0, or -1 with errno (EAGAIN: no thread to be had) and nothing started. */
int mp_sampling_start(struct mp_sampling *);

/* Does nothing when not started. Waits for at most one reading. */
void mp_sampling_stop(struct mp_sampling *);

/* Stops first when started. */
void mp_sampling_release(struct mp_sampling *);

#endif
