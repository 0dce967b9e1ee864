/* A machine whose registers nobody here knows: each process is refused before it is touched. */
#include <errno.h>

#include "capture/attach/machine.h"

static int refuse(void)
{
    errno = ENOTSUP;
    return -1;
}

int mp_machine_read(struct mp_stopped *stopped, pid_t tid)
{
    (void)stopped, (void)tid;
    return refuse();
}

void mp_machine_blocked(const struct mp_stopped *stopped, int mem,
                        struct mp_blocked *blocked)
{
    (void)stopped, (void)mem;
    *blocked = (struct mp_blocked){.number = -1};
}

uint64_t mp_machine_stack(const struct mp_stopped *stopped)
{
    (void)stopped;
    return 0;
}

uint64_t mp_machine_at(const struct mp_stopped *stopped)
{
    (void)stopped;
    return 0;
}

long mp_machine_returns(const struct mp_stopped *stopped)
{
    (void)stopped;
    return -1;
}

size_t mp_machine_find_restorer(const unsigned char *code, size_t length)
{
    (void)code;
    return length;
}

int mp_machine_plan(struct mp_machine_plan *plan, const struct mp_stopped *stopped,
                    const struct mp_machine_call *calls, size_t count, const char *text,
                    uint64_t restorer)
{
    (void)stopped, (void)calls, (void)count, (void)text, (void)restorer;
    *plan = (struct mp_machine_plan){0};
    return refuse();
}

void mp_machine_plan_release(struct mp_machine_plan *plan)
{
    (void)plan;
}

int mp_machine_begin(const struct mp_stopped *stopped, const struct mp_machine_plan *plan)
{
    (void)stopped, (void)plan;
    return refuse();
}

bool mp_machine_is_guarded(const char *features)
{
    (void)features;
    return false;
}
