/* Reading a recording, whichever of the two it is. */
#ifndef MP_CMD_RECORDINGS_READ_PROFILE_H
#define MP_CMD_RECORDINGS_READ_PROFILE_H

#include "record/series.h"

/* A heap capture is read as RSS with the heap beside it. Says in one line what is wrong with it.
   Returns 0, or the exit code. */
int mp_profiles_read(struct mp_timeline *, const char *path);

/* When all are read: how many more than were named had something wrong that did not keep them from being read. */
void mp_profiles_told(void);

#endif
