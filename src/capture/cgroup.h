/* The memory of a process's control group: what a container's limit is compared with. */
#ifndef MP_CAPTURE_CGROUP_H
#define MP_CAPTURE_CGROUP_H

#include <stdint.h>
#include <sys/types.h>

struct mp_cgroup {
    char path[4096 + 64]; /* of the group's directory */
    int version;          /* 1 or 2 */
};

/* Finds the group of a process (0: our own) under /sys/fs/cgroup, version 2 or 1.
   Returns 0, or -1 with errno (ENOENT: no memory controller is mounted). */
int mp_cgroup_find(struct mp_cgroup *, pid_t pid);

/* Bytes charged to the group now (memory.current); -1 with errno. */
int64_t mp_cgroup_current(const struct mp_cgroup *);

/* The group's limit in bytes, INT64_MAX when it has none; -1 with errno. */
int64_t mp_cgroup_limit(const struct mp_cgroup *);

#endif
