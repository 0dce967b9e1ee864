/* What `mprof run` and `mprof attach` were asked to do. */
#ifndef MP_CMD_TIMELINE_SETTINGS_H
#define MP_CMD_TIMELINE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/process/meter.h"

struct mp_run_settings {
    bool python, nopython, children, each, exit_code, attach;
    bool group, cpu, keep_marks, force, user_timeout;
    bool has_max, kill;        /* there is a budget; over it the program is killed */
    int64_t max;               /* bytes */
    int64_t interval, timeout; /* ns; 0: the default, none */
    const char *module;        /* -m: to run with its functions recorded; NULL: none */
    const char *output;        /* NULL: mprofile_<time>.dat */
    const char *backend;       /* NULL: psutil */
    const char *user;          /* whom the program runs as; NULL: us */
    enum mp_metric metric;
};

/* Fills in what was not given; attach has other defaults. */
void mp_run_settings_complete(struct mp_run_settings *);

/* mprof run PROGRAM ARGUMENTS..., mprof attach PID: returns the exit code. */
int mp_run_program(struct mp_run_settings *, int count, char **program);
int mp_run_attached(struct mp_run_settings *, int count, char **hint);

#endif
