/* The live line of `mprof attach` and `mprof run` on a terminal: elapsed, RSS, peak, rate; twice a
 * second, on stderr, rewritten in place without escape sequences. Nothing when stderr is no
 * terminal, we are not in its foreground, or the program prints there too. */
#ifndef MP_CMD_TIMELINE_LIVE_H
#define MP_CMD_TIMELINE_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/timeline/sampler.h"

struct mp_live {
    bool on;
    int width; /* of what stands there */
    int64_t started, next;
    uint64_t rounds; /* at the last line */
};

void mp_live_init(struct mp_live *, int64_t now);
void mp_live_update(struct mp_live *, int64_t now, const struct mp_sampler *,
                    uint64_t rounds);

/* Clears the line. */
void mp_live_end(struct mp_live *);

#endif
