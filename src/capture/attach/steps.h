/* Where a test ends the process that injects: builds with tests alone have it. */
#ifndef MP_CAPTURE_ATTACH_STEPS_H
#define MP_CAPTURE_ATTACH_STEPS_H

enum mp_step {
    MP_STEP_NONE,
    MP_STEP_SEIZED,
    MP_STEP_INTERRUPTED,
    MP_STEP_PLANNED,
    MP_STEP_LAID,
    MP_STEP_BEGUN,
    MP_STEP_LET_GO,
    MP_STEPS
};

#ifdef MP_WITH_STEPS
#include <signal.h>

extern enum mp_step mp_step_to_die_at;

static inline void mp_step(enum mp_step step)
{
    if (step == mp_step_to_die_at)
        raise(SIGKILL);
}
#else
static inline void mp_step(enum mp_step step)
{
    (void)step;
}
#endif

#endif
