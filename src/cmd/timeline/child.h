/* The program under watch, started so that it cannot tell: same directory, signals, limits and
 * descriptors as without us. It waits for mp_child_go() before it becomes the program. */
#ifndef MP_CMD_TIMELINE_CHILD_H
#define MP_CMD_TIMELINE_CHILD_H

#include <sys/resource.h>
#include <sys/types.h>

#include "cmd/timeline/signals.h"
#include "store/dat/calls.h"

struct mp_child {
    pid_t pid;
    int go,
        news; /* pipes: one byte starts it; errno comes back when it cannot be executed */
};

/* What the program gets back before it runs. */
struct mp_child_inheritance {
    struct mp_signals_before signals;
    struct rlimit descriptors;
    const char *user; /* whom it becomes, for good; NULL: it stays who we are */
};

/* Forks. `notice` is completed with the child's pid and goes into its environment.
   0, or -1 with errno. */
int mp_child_start(struct mp_child *, char **program, const struct mp_run_notice *notice,
                   const struct mp_child_inheritance *);

/* Lets it run. 0 once it is executing, else the errno of the attempt (it is gone then). */
int mp_child_go(struct mp_child *);

/* Ends it before it ran. */
void mp_child_cancel(struct mp_child *);

#endif
