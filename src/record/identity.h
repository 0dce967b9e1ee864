/* Which process of how many a recording is of. */
#ifndef MP_RECORD_IDENTITY_H
#define MP_RECORD_IDENTITY_H

enum {
    MP_IDENTITY_HOST = 64,    /* bytes of a machine's name, */
    MP_IDENTITY_CLOCK = 40,   /* of what names its clock, */
    MP_IDENTITY_RANK = 16,    /* of a rank's number, */
    MP_IDENTITY_WORKER = 128, /* and of what an engine calls a worker */
};

/* Which process of many it is, on which machine: pid alone says so on one. Each is ended by NUL; an
   empty one is not known, or there is none. */
struct mp_identity {
    char host[MP_IDENTITY_HOST];   /* the machine's name, or the container's */
    char clock[MP_IDENTITY_CLOCK]; /* the boot: times with the same one are of one clock */
    char rank[MP_IDENTITY_RANK];   /* of an MPI or Slurm job */
    char worker[MP_IDENTITY_WORKER]; /* UTF-8 */
};

#endif
