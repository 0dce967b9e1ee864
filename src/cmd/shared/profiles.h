/* Which recordings a command is about: files, or indices into the list of this directory. */
#ifndef MP_CMD_SHARED_PROFILES_H
#define MP_CMD_SHARED_PROFILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct mp_profiles {
    char **names; /* owned, each too */
    size_t count, room;
    size_t timelines; /* in a list: so many come first, heap captures follow */
    size_t listed; /* of both; behind them stand recordings with names of the user's own */
    bool missing;  /* some of those that were asked for: that was said */
};

/* The recordings of this directory: those with a default name, timelines, then heap captures, each
   oldest first, so that the indices of timelines are the classic's; with `all`, for which every
   file here is looked into, then those with another name. Returns 0, or -1 with errno. */
int mp_profiles_list(struct mp_profiles *, bool all);

/* What the operands mean: indices (negative: from the end of the timelines with a default name, or
   of what comes next where there are none) or files, each once. Says what is wrong with one in one
   line and returns -1. */
int mp_profiles_choose(struct mp_profiles *, int count, char **operands);

/* The same for plot and peak: without operands the newest here, said on stdout; also what is below folders, and what
   patterns match; what does not exist is said and left out. Returns 0, or the exit code when nothing is left. */
int mp_profiles_or_latest(struct mp_profiles *, int count, char **operands);
void mp_profiles_release(struct mp_profiles *);

/* An argument as one would type it to a shell; controls made visible. */
void mp_put_argument(FILE *, const char *argument);

#endif
