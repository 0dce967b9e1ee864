/* The thread of a sampling, and what becomes of all such threads while the process forks. */
#ifndef MP_CAPTURE_TIMELINE_SAMPLING_THREAD_H
#define MP_CAPTURE_TIMELINE_SAMPLING_THREAD_H

#include "capture/timeline/sampling_take.h"

void mp_sampling_thread_init(struct mp_sampling *);
void mp_sampling_thread_release(struct mp_sampling *);

/* From s->deadline on, every s->options.interval. 0, or -1 with errno and nothing started. */
int mp_sampling_thread_start(struct mp_sampling *);
void mp_sampling_thread_stop(struct mp_sampling *);

/* No sampling thread exists from hold until the matching resume; other threads' starts wait
   for it too, without blocking. */
void mp_sampling_hold(void);
void mp_sampling_resume(void);

#endif
