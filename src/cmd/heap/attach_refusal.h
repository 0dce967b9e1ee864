/* Why a process cannot be attached to, and what to do, in one line. */
#ifndef MP_CMD_HEAP_ATTACH_REFUSAL_H
#define MP_CMD_HEAP_ATTACH_REFUSAL_H

#include "capture/attach/inject.h"
#include "capture/attach/target.h"

/* Both return the exit code. errno is what the problem came with. */
int mp_attach_refuse(const struct mp_target *, enum mp_target_problem);
int mp_attach_fail_injection(const struct mp_target *, enum mp_injection_problem);

/* What the process itself answered: the lines of its answer. */
int mp_attach_fail_answer(const struct mp_target *, const char *const lines[3],
                          const char *path);

#endif
