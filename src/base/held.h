/* Whether a file is still being written: its writer holds a lock on it while it lives. The kernel
 * takes the lock back however the process ends, at exec too, and forked children do not have it. */
#ifndef MP_BASE_HELD_H
#define MP_BASE_HELD_H

#include <stdbool.h>

/* On file systems of this machine alone: over a network a lock may wait for a server. Where there
   are no locks, nothing is lost. errno is kept. */
void mp_held_take(int fd);

/* Whether another process holds it. */
bool mp_held_by_other(int fd);

/* Whether mp_held_take() does anything there. */
bool mp_held_is_known(int fd);

#endif
