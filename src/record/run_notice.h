/* What `mprof run` tells the program it starts: where function records go, who owns the marks. */
#ifndef MP_RECORD_RUN_NOTICE_H
#define MP_RECORD_RUN_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What `mprof run` tells the program, MPROF_RUN=1:PID:FLAGS:OFFSET:[KEEPER,FD:]PATH. */
struct mp_run_notice {
    pid_t pid;         /* of the program */
    bool owns_marks;   /* the sampler resets high-water marks; nobody else may */
    bool children_too; /* descendants are followed as well */
    int64_t offset;    /* ns from CLOCK_MONOTONIC to unix time */
    pid_t keeper;      /* the mprof that counts lost records; 0: none does */
    int lost;          /* its descriptor of the page where it does */
    const char *path;  /* borrowed from the environment */
};

/* Reads the environment (never of a set-user-id program). 0, or -1 with errno ENOENT when this
   process does not run under mprof, or is not one that it follows. */
int mp_run_notice_read(struct mp_run_notice *);

/* Whether this process is the program, or a descendant that is followed too. */
bool mp_run_notice_is_ours(const struct mp_run_notice *);

/* The variable's text for a child about to be started. Returns its length, or -1 (no room). */
int mp_run_notice_write(const struct mp_run_notice *, char *out, size_t room);

#endif
