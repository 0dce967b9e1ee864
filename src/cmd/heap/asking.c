#include "cmd/heap/asking.h"

#include <errno.h>
#include <string.h>

#include "cmd/shared/command.h"

int mp_heap_asking_fail(enum mp_heap_asking_problem problem, const char *name,
                        const char *what)
{
    switch (problem) {
    case MP_HEAP_ASKING_FOREIGN:
        return mp_fail("cannot %s %s: it is no mprof heap capture", what, name);
    case MP_HEAP_ASKING_OLD:
        return mp_fail("cannot %s %s: another version of memory_profiler records it", what,
                       name);
    case MP_HEAP_ASKING_OVER:
        return mp_fail("cannot %s %s: the recording has ended", what, name);
    case MP_HEAP_ASKING_COPY:
        return mp_fail("cannot %s %s: no program that runs here is known to record into it",
                       what, name);
    case MP_HEAP_ASKING_OFF:
        return mp_fail("cannot %s %s: it is recorded without moments (MPROF_MOMENTS=0)",
                       what, name);
    case MP_HEAP_ASKING_CROWD:
        return mp_fail("cannot %s %s: %d marks wait already, the program changes nothing "
                       "of its heap",
                       what, name, MP_HEAP_REQUESTS);
    case MP_HEAP_ASKING_BUSY:
        return mp_fail("cannot %s %s: another mprof asks it and does not end", what, name);
    default:
        return mp_fail("cannot %s %s: %s", what, name, strerror(errno));
    }
}
