#include "cmd/heap/why_died.h"

#include <stdio.h>
#include <string.h>

#include "capture/process/cgroup.h"
#include "store/identity/identity.h"

/* Of a group of this machine since it was started; another's may have the same name. */
static int64_t kills_now(const struct mp_heap_header *header)
{
    struct mp_identity here;
    struct mp_cgroup group = {.version = 2};
    char path[MP_GROUP_PATH];
    mp_identity_find(&here);
    memcpy(path, header->group.path, sizeof path);
    path[sizeof path - 1] = 0;
    if (strncmp(path, "/sys/fs/cgroup", 14) != 0 || strstr(path, "/../") || !*here.clock ||
        strcmp(here.clock, header->identity.clock) != 0)
        return -1;
    snprintf(group.path, sizeof group.path, "%s", path);
    int64_t kills = mp_cgroup_read_events(&group).kills;
    group.version = 1;
    return kills >= 0 ? kills : mp_cgroup_read_events(&group).kills;
}

struct mp_heap_death mp_heap_why_died(const struct mp_heap_capture *capture)
{
    const struct mp_heap_header *header = capture->view.header;
    bool gone = !header->clean && capture->writer != MP_WRITER_RUNS;
    return mp_heap_death_of(&capture->view, gone, gone ? kills_now(header) : -1);
}
