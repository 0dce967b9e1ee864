/* A process's descendants, as /proc shows them at this moment. */
#ifndef MP_CAPTURE_PROCESS_TREE_H
#define MP_CAPTURE_PROCESS_TREE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/process/meter.h"

struct mp_tree {
    pid_t *pids; /* owned; parents before their children */
    size_t count, room;
};

/* Lists all descendants of `root` (not itself) into tree->pids. Reads
   /proc/PID/task/TID/children; where the kernel lacks it, every /proc/PID/stat.
   Processes that vanish meanwhile are left out. Returns 0, or -1 with errno. */
int mp_tree_list(struct mp_tree *, pid_t root);
void mp_tree_release(struct mp_tree *);

/* The descendants' memory in bytes, summed; processes that cannot be read (any more) count 0. */
int64_t mp_tree_memory(struct mp_tree *, pid_t root, enum mp_metric);

#endif
