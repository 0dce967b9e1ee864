/* The loop of `mprof run` and `mprof attach`: a round, its records, sleep to the next deadline.
 *
 * Deadlines are absolute: a late round moves none of the later ones. Rounds that could not be
 * made in time are counted, not invented.
 */
#ifndef MP_CMD_TIMELINE_WATCH_H
#define MP_CMD_TIMELINE_WATCH_H

#include <sys/resource.h>

#include "capture/timeline/sampler.h"
#include "cmd/timeline/live.h"
#include "cmd/timeline/memory_end.h"
#include "cmd/timeline/settings.h"
#include "store/dat/write.h"

struct mp_watch {
    const struct mp_run_settings *settings; /* borrowed */
    const char *shown;                      /* borrowed: the file's name */
    struct mp_dat_writer writer;
    struct mp_sampler sampler;
    struct mp_live live;
    pid_t pid;
    int pidfd; /* attach: tells when it ends; -1 */
    bool ours; /* we started it: we wait for it and forward signals */
    bool reaped;
    bool had_children; /* it waited for at least one */
    int status;        /* of wait4(2), once reaped */
    int64_t offset, started;
    int signal;    /* that ended the watch or was passed on; 0 */
    bool reported; /* that writing failed */
    struct mp_run_end end;
    struct mp_memory_end memory; /* of the group, before it started */
};

/* Watches until the program ends, the timeout, or a signal, and closes the recording. */
void mp_watch_loop(struct mp_watch *);

#endif
