/* Which recordings a command is about: files, or indices into the list of this directory. */
#ifndef MP_CMD_PROFILES_H
#define MP_CMD_PROFILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "record/series.h"

struct mp_profiles {
    char **names; /* owned, each too */
    size_t count, room;
    size_t timelines; /* in a list: so many come first, heap captures follow */
};

/* The default-named recordings of this directory: timelines, then heap captures, each oldest
   first, so that the indices of timelines are the classic's. Returns 0, or -1 with errno. */
int mp_profiles_list(struct mp_profiles *);

/* The fourteen digits of the time in a listed name. */
const char *mp_profiles_stamp(const char *name);
bool mp_profiles_is_heap(const char *name);

/* What the operands mean: indices (negative: from the end of the timelines, or of the heap
   captures where there are no timelines) or files, each once. Says what is wrong with one in one
   line and returns -1. */
int mp_profiles_choose(struct mp_profiles *, int count, char **operands);

/* The same for plot and peak: without operands the latest, said on stdout; what does not exist
   is said and left out. Returns 0, or the exit code when nothing is left. */
int mp_profiles_or_latest(struct mp_profiles *, int count, char **operands);
void mp_profiles_release(struct mp_profiles *);

/* Reads one, a heap capture as RSS with the heap beside it; says in one line what is wrong with it. Returns 0, or the exit code. */
int mp_profiles_read(struct mp_timeline *, const char *path);

/* An argument as one would type it to a shell; controls made visible. */
void mp_put_argument(FILE *, const char *argument);

#endif
