/* The memory of a process's control group: what a container's limit is compared with, and what the kernel
 * did there for want of memory. Nothing is allocated: the recorder asks within the program. */
#ifndef MP_CAPTURE_PROCESS_CGROUP_H
#define MP_CAPTURE_PROCESS_CGROUP_H

#include <stdint.h>
#include <sys/types.h>

struct mp_cgroup {
    char path[4096 + 64]; /* of the group's directory */
    int version;          /* 1 or 2 */
};

/* Finds the group of a process (0: our own) under /sys/fs/cgroup, version 2 or 1.
   Returns 0, or -1 with errno (ENOENT: no memory controller is mounted). */
int mp_cgroup_find(struct mp_cgroup *, pid_t pid);

/* Makes it that of the groups around it, itself included, whose limit is lowest. */
void mp_cgroup_tighten(struct mp_cgroup *);

/* Bytes charged to the group now (memory.current); -1 with errno. */
int64_t mp_cgroup_current(const struct mp_cgroup *);

/* Of these, of files that nobody used lately: they are given back before anybody is killed. -1 with errno. */
int64_t mp_cgroup_idle_files(const struct mp_cgroup *);

/* The group's limit in bytes, INT64_MAX when it has none; -1 with errno. */
int64_t mp_cgroup_limit(const struct mp_cgroup *);

/* Where the kernel slows it down (memory.high), INT64_MAX when nowhere; -1 with errno. */
int64_t mp_cgroup_high(const struct mp_cgroup *);

/* What happened in the group since it was made; each -1 where the kernel does not say. */
struct mp_cgroup_events {
    int64_t kills;     /* processes that were killed for memory */
    int64_t throttled; /* times that it was slowed down at memory.high */
    int64_t stalled;   /* ns that some process of it waited for memory (PSI) */
};
struct mp_cgroup_events mp_cgroup_read_events(const struct mp_cgroup *);

#endif
