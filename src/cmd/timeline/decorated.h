/* Whether a script marks functions for us: then it is to be run so that they are recorded. */
#ifndef MP_CMD_TIMELINE_DECORATED_H
#define MP_CMD_TIMELINE_DECORATED_H

#include <stdbool.h>

/* A line begins with @profile, or names profile.timestamp(, and no other `profile` is defined or
   imported there. False for what cannot be read. */
bool mp_script_is_decorated(const char *path);

#endif
