/* mprof heap PID: attaches to a process, waits, detaches. */
#ifndef MP_CMD_HEAP_ATTACH_H
#define MP_CMD_HEAP_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

struct mp_attach_settings {
    const char *output; /* NULL: by the time */
    uint64_t sample, max_file;
    int64_t duration; /* ns; 0: until it is told to end */
    bool no_native, no_source, children, force;
};

/* "90", "90s", "10m", "1.5h" in ns; -1: it is no such time, or 0. */
int64_t mp_attach_duration(const char *text);

/* Returns the exit code. */
int mp_attach_run(const struct mp_attach_settings *, const char *pid);

/* Ends a recording that mprof began. */
int mp_detach_run(const char *pid);

#endif
