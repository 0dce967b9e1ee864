/* What `mprof run` and `mprof attach` were asked to do. */
#ifndef MP_CMD_SETTINGS_H
#define MP_CMD_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/meter.h"

struct mp_run_settings {
    bool python, nopython, children, each, exit_code, attach;
    bool group, keep_marks, force, user_timeout;
    int64_t interval, timeout; /* ns; 0: the default, none */
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
