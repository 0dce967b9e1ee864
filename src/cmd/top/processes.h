/* The processes of a program, as /proc shows them now: what each holds, and how it went. */
#ifndef MP_CMD_TOP_PROCESSES_H
#define MP_CMD_TOP_PROCESSES_H

#include "capture/process/process.h"
#include "capture/process/tree.h"
#include "report/top/timeline.h"

struct mp_top_processes {
    struct mp_top_process *rows; /* owned, as all */
    struct mp_process *open;     /* of each row */
    struct mp_meter *pss;
    int64_t *pss_next; /* when it may be asked again, monotonic ns */
    size_t count, row_room, open_room, pss_room, next_room;
    struct mp_tree tree;
    bool is_looked_at;
};

/* `root` and all its descendants. 0; or -1 with errno: ESRCH there is no such process, ENOMEM. Those that ended
   stay as they were, marked as that. */
int mp_top_processes_look(struct mp_top_processes *, pid_t root, enum mp_metric,
                          double seconds);

/* A process that is not there any more, as a recording has it. 0, or -1 with errno ENOMEM. */
int mp_top_processes_add(struct mp_top_processes *, int pid, int parent, const char *name,
                         int64_t bytes, int64_t most);

void mp_top_processes_mark(struct mp_top_processes *);
void mp_top_processes_release(struct mp_top_processes *);

#endif
