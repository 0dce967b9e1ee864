#include "cmd/heap_open.h"

#include <errno.h>
#include <string.h>

#include "cmd/command.h"

static int say_problem(const struct mp_heap_capture *capture, enum mp_heap_problem problem,
                       const char *path)
{
    switch (problem) {
    case MP_HEAP_SYSTEM:
        return mp_fail("cannot read %s: %s", path, strerror(errno));
    case MP_HEAP_FUTURE:
        return mp_fail("%s was made by version %u of the format, this mprof reads %d", path,
                       capture->found, MP_HEAP_VERSION);
    case MP_HEAP_DAMAGED:
        return mp_fail("%s is damaged: %s, at byte %lld", path, capture->wrong,
                       (long long)capture->offset);
    default:
        return mp_fail("not an mprof heap capture: %s", path);
    }
}

int mp_heap_open(struct mp_heap_capture *capture, const char *command, int count,
                 char **operands)
{
    *capture = (struct mp_heap_capture){0};
    if (!count) {
        mp_fail("%s: no capture was named; see 'mprof help %s'", command, command);
        return MP_EXIT_USAGE;
    }
    enum mp_heap_problem problem = mp_heap_read(capture, operands[0]);
    return problem ? say_problem(capture, problem, operands[0]) : MP_EXIT_OK;
}
