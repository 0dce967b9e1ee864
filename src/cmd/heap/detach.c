/* mprof detach: ends a recording that was begun from outside. */
#include "cmd/heap/attach.h"
#include "cmd/heap/attach_open.h"
#include "cmd/shared/command.h"

static const struct mp_option options[] = {{0}};

static const char *take(void *to, int key, const char *value)
{
    (void)to, (void)key, (void)value;
    return NULL;
}

static int run(void *settings, int count, char **operands)
{
    (void)settings;
    if (count != 1 || mp_attach_pid(operands[0]) < 0) {
        mp_fail("detach: takes one process, by its number; see 'mprof help detach'");
        return MP_EXIT_USAGE;
    }
    return mp_detach_run(operands[0]);
}

const struct mp_command mp_command_detach = {
    "detach",
    "pid",
    "end the recording that 'mprof heap PID' began",
    "Ends the recording of a running process that 'mprof heap PID' began, where that mprof is gone or "
    "in another terminal. The capture is complete then, and the process runs on.",
    MP_OPERANDS_WORD,
    options,
    take,
    1,
    run,
};
