/* The thread of a sampling, and what becomes of all such threads while the process forks. */
#ifndef MP_CAPTURE_SAMPLING_THREAD_H
#define MP_CAPTURE_SAMPLING_THREAD_H

#include "capture/sampling.h"

void mp_sampling_thread_init(struct mp_sampling *);
void mp_sampling_thread_release(struct mp_sampling *);

/* From s->deadline on, every s->options.interval. 0, or -1 with errno and nothing started. */
int mp_sampling_thread_start(struct mp_sampling *);
void mp_sampling_thread_stop(struct mp_sampling *);

#endif
