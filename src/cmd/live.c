#include "cmd/live.h"

#include <stdio.h>
#include <unistd.h>

enum { LINES_PER_SECOND = 2 };

void mp_live_init(struct mp_live *live, int64_t now)
{
    *live = (struct mp_live){.on = isatty(STDERR_FILENO),
                             .started = now,
                             .next = now + MP_SECOND / LINES_PER_SECOND};
}

static bool in_foreground(void)
{
    return tcgetpgrp(STDERR_FILENO) == getpgrp();
}

void mp_live_update(struct mp_live *live, int64_t now, const struct mp_sampler *sampler,
                    uint64_t rounds)
{
    if (!live->on || now < live->next)
        return;
    double span = (double)(now - live->next) / 1e9 + 1.0 / LINES_PER_SECOND;
    uint64_t made = rounds - live->rounds;
    live->next = now + MP_SECOND / LINES_PER_SECOND;
    live->rounds = rounds;
    if (!in_foreground())
        return;
    char text[160];
    int64_t total = sampler->root.bytes;
    for (size_t i = 0; i < sampler->count; i++)
        total += sampler->children[i].bytes;
    int width =
        snprintf(text, sizeof text, "%.0f s   %.1f MiB   peak %.1f MiB   %.0f samples/s",
                 (double)(now - live->started) / 1e9, (double)total / MP_MIB,
                 (double)sampler->peak / MP_MIB, (double)made / span);
    fprintf(stderr, "%s%*s\r", text, live->width > width ? live->width - width : 0, "");
    live->width = width;
}

void mp_live_end(struct mp_live *live)
{
    if (live->on && live->width && in_foreground())
        fprintf(stderr, "%*s\r", live->width, "");
    live->width = 0;
}
