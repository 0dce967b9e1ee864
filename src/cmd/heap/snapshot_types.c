#include "cmd/heap/snapshot_types.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/heap/asking.h"
#include "cmd/shared/command.h"
#include "store/heap/read.h"
#include "store/heap/run.h"

enum { WAITS = 400, PAUSE = 5000000 /* ns: two seconds together */ };

struct counted {
    const char *path;
    struct mp_heap_asking asking; /* stays where it is */
    bool waits;
};

/* A child that has ended counted at its end. */
static int ask(struct counted *one, bool child)
{
    enum mp_heap_asking_problem problem = mp_heap_ask_types(&one->asking, one->path);
    one->waits = !problem;
    return !problem || (child && problem == MP_HEAP_ASKING_OVER)
               ? 0
               : mp_heap_asking_fail(problem, one->path, "count the types of");
}

static void wait_for_all(struct counted *all, size_t count)
{
    bool waits = true;
    for (int i = 0; i < WAITS && waits; i++) {
        waits = false;
        for (size_t at = 0; at < count; at++) {
            all[at].waits = all[at].waits && !mp_heap_asking_has_types(&all[at].asking);
            waits |= all[at].waits && !mp_heap_asking_is_over(&all[at].asking);
        }
        if (waits)
            nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
    }
}

int mp_heap_count_types(const char *path, bool alone)
{
    struct mp_heap_children children = {0};
    if (!alone && !mp_heap_is_childs(path) &&
        mp_heap_children_find(&children, path, MP_HEAP_CHILDREN))
        return mp_fail("cannot look for the captures of the children of %s", path);
    size_t count = children.count + 1;
    struct counted *all = calloc(count, sizeof *all);
    int code = all ? 0 : mp_fail("out of memory");
    for (size_t i = 0; i < count && all; i++) {
        all[i].path = i ? children.paths[i - 1] : path;
        code |= ask(&all[i], i);
    }
    if (all)
        wait_for_all(all, count);
    for (size_t i = 0; i < count && all; i++) {
        if (all[i].waits)
            code = mp_fail(
                "%s: its types were not counted in time: that is done where its main "
                "thread runs Python code and its heap changes",
                all[i].path);
        mp_heap_asking_release(&all[i].asking);
    }
    free(all);
    mp_heap_children_release(&children);
    return code;
}
