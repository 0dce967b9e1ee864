/* Which process of many a recording is of: found once, when its file is made, and written into names. */
#ifndef MP_STORE_IDENTITY_IDENTITY_H
#define MP_STORE_IDENTITY_IDENTITY_H

#include "record/identity.h"

/* The host's name, the boot's number, the rank that a launcher set in the environment (Open MPI,
   PMIx, MPICH, MVAPICH, Slurm), and MPROF_WORKER. What cannot be had is empty. */
void mp_identity_find(struct mp_identity *);

/* Ends each text of one that was read. */
void mp_identity_end(struct mp_identity *);

/* The rank that a launcher set, its digits alone; NULL: none did. */
const char *mp_identity_rank(void);

/* `pattern` with %h the host's name, %p the pid, %r the rank and %% a percent sign in place; other
   signs stay. Returns the name, the caller's to free, or NULL with errno: ENOENT there is no
   rank, ENOMEM. */
char *mp_identity_name(const char *pattern);

#endif
