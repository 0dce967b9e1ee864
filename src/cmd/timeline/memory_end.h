/* What the control group says of a program's end: whether the kernel killed for memory, or slowed it down. */
#ifndef MP_CMD_TIMELINE_MEMORY_END_H
#define MP_CMD_TIMELINE_MEMORY_END_H

#include <stdbool.h>

#include "capture/process/cgroup.h"
#include "record/timeline.h"

struct mp_memory_end {
    struct mp_cgroup group;
    struct mp_cgroup_events before;
    bool known;
};

/* Before the program starts, in our group, which is its. */
void mp_memory_end_begin(struct mp_memory_end *);

/* When it has ended: fills in what is about memory. */
void mp_memory_end_read(const struct mp_memory_end *, struct mp_run_end *);

/* Says it, a line each, where there is something to say. `killed`: by SIGKILL; `most`: bytes of RSS at most. Whether
   that was why it was killed. */
bool mp_memory_end_tell(const struct mp_run_end *, bool killed, int64_t most);

#endif
