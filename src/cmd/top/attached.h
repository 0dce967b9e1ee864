/* A process that was not recorded: `mprof heap PID` records it beside us as long as we watch. */
#ifndef MP_CMD_TOP_ATTACHED_H
#define MP_CMD_TOP_ATTACHED_H

#include <stdint.h>
#include <sys/types.h>

#include "cmd/top/model.h"

struct mp_top_attached {
    pid_t mprof; /* 0: there is none */
    int said;    /* owned: what it says on stderr comes here */
};

/* Begins with the process that the options name. Returns 0 and the name of the capture, the caller's to free; or the exit code, and why was said. */
int mp_top_attach(struct mp_top_attached *, const struct mp_top_options *, char **path);

/* Detaches, where that was attached to, and says what mprof says of it. Returns the exit code. */
int mp_top_detach(struct mp_top_attached *);

#endif
