/* The processes of a program whose memory is recorded over time.
 *
 *          RSS       PSS       +/s     since   at most  process
 *     62.6 MiB  40.1 MiB   +1.2M/s    +12.3M  62.6 MiB  4711 python job.py
 */
#ifndef MP_REPORT_TOP_TIMELINE_H
#define MP_REPORT_TOP_TIMELINE_H

#include "report/top/screen.h"

enum mp_top_process_order {
    MP_TOP_BY_RSS,
    MP_TOP_BY_PSS,
    MP_TOP_BY_RATE,
    MP_TOP_BY_GROWTH,
    MP_TOP_BY_MOST,
    MP_TOP_PROCESS_ORDERS
};

struct mp_top_process {
    int pid, parent, depth;
    char name[64];      /* as the kernel has it; may hold any byte */
    int64_t bytes, pss; /* now; -1: not known; pss may be some seconds old */
    int64_t before, marked, most;
    double rate; /* bytes a second */
    bool is_there;
};

struct mp_top_timeline {
    struct mp_top_screen screen;
    const char *metric;                     /* "rss": what bytes are of */
    const struct mp_top_process *processes; /* in their order */
    size_t count;
    struct mp_top_process whole;
    enum mp_top_process_order sort;
    bool is_rated;
    const char *since;
    size_t first, chosen, most;
    bool help;
};

void mp_top_timeline_print(FILE *, const struct mp_top_timeline *);
void mp_top_timeline_json(FILE *, const struct mp_top_timeline *);

#endif
