#include "capture/timeline/sampling.h"

#include <errno.h>

#include "base/clock.h"
#include "capture/timeline/sampling_thread.h"

enum { MOST_ROWS = 1 << 20 }; /* 24 MiB when full: 29 hours at 10 samples a second */

int mp_sampling_open(struct mp_sampling *s, const struct mp_sampling_options *options)
{
    *s = (struct mp_sampling){.options = *options,
                              .offset = mp_clock_wall_offset(),
                              .mark = -1,
                              .most.bytes = -1};
    if (mp_meter_open(&s->meter, options->pid, options->metric))
        return -1;
    if (mp_samples_init(&s->samples, MOST_ROWS)) {
        mp_meter_release(&s->meter);
        return -1;
    }
    mp_sampling_thread_init(s);
    return 0;
}

void mp_sampling_release(struct mp_sampling *s)
{
    mp_sampling_stop(s);
    if (s->peak_open)
        mp_peak_end(&s->peak, 0);
    s->peak_open = false;
    mp_meter_release(&s->meter);
    mp_tree_release(&s->tree);
    mp_samples_release(&s->samples);
    mp_sampling_thread_release(s);
}

int mp_sampling_start(struct mp_sampling *s)
{
    if (mp_sampling_take(s))
        return -1;
    s->deadline = mp_clock_ns() + s->options.interval;
    s->error = 0;
    return mp_sampling_thread_start(s);
}

void mp_sampling_stop(struct mp_sampling *s)
{
    if (!s->started)
        return;
    mp_sampling_thread_stop(s);
    if (mp_sampling_take(s) && !s->error)
        s->error = errno;
    if (s->peak_open)
        mp_peak_end(&s->peak, 0);
    s->peak_open = false;
}
