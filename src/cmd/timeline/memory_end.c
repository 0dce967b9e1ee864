#include "cmd/timeline/memory_end.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/shared/command.h"

void mp_memory_end_begin(struct mp_memory_end *end)
{
    *end = (struct mp_memory_end){0};
    end->known = !mp_cgroup_find(&end->group, 0);
    if (end->known)
        end->before = mp_cgroup_read_events(&end->group);
}

/* How many more; -1: the kernel does not say. */
static int64_t more(int64_t before, int64_t now)
{
    return before < 0 || now < before ? -1 : now - before;
}

void mp_memory_end_read(const struct mp_memory_end *end, struct mp_run_end *to)
{
    to->kills = to->throttled = to->stalled = to->limit = -1;
    if (!end->known)
        return;
    struct mp_cgroup_events now = mp_cgroup_read_events(&end->group);
    struct mp_cgroup tightest = end->group;
    mp_cgroup_tighten(&tightest);
    int64_t limit = mp_cgroup_limit(&tightest);
    to->kills = more(end->before.kills, now.kills);
    to->throttled = more(end->before.throttled, now.throttled);
    to->stalled = more(end->before.stalled, now.stalled);
    to->limit = limit == INT64_MAX ? -1 : limit;
}

static void tell_killed(const struct mp_run_end *end, int64_t most)
{
    char limit[48] = "", rss[48] = "", clock[16] = "";
    time_t seconds = (time_t)(end->time / MP_SECOND);
    struct tm parts;
    if (end->limit >= 0)
        snprintf(limit, sizeof limit, "limit %.1f MiB, ", (double)end->limit / MP_MIB);
    if (most > 0)
        snprintf(rss, sizeof rss, "RSS %.1f MiB at most, ", (double)most / MP_MIB);
    if (localtime_r(&seconds, &parts))
        strftime(clock, sizeof clock, "%H:%M:%S", &parts);
    mp_note("program was killed by the kernel for memory: %s%sat %s.%d", limit, rss, clock,
            (int)(end->time / (MP_SECOND / 10) % 10));
}

bool mp_memory_end_tell(const struct mp_run_end *end, bool killed, int64_t most)
{
    if (end->throttled > 0)
        mp_note(
            "the kernel slowed its control group down %lld times at memory.high; %.1f s "
            "were spent waiting for memory",
            (long long)end->throttled,
            (double)(end->stalled > 0 ? end->stalled : 0) / MP_SECOND);
    if (end->kills > 0 && killed)
        tell_killed(end, most);
    else if (end->kills > 0)
        mp_note("the kernel killed %lld %s of its control group for memory",
                (long long)end->kills, end->kills == 1 ? "process" : "processes");
    return end->kills > 0 && killed;
}
