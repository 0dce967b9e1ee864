#include "capture/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A namespace may show "/.." or a path of the host's: then the mount's own root is the group. */
static int settle(struct mp_cgroup *group, int version, const char *root,
                  const char *inside, const char *file)
{
    char probe[sizeof group->path + 64];
    group->version = version;
    snprintf(group->path, sizeof group->path, "%s%s", root,
             strcmp(inside, "/") ? inside : "");
    snprintf(probe, sizeof probe, "%s/%s", group->path, file);
    if (!access(probe, R_OK))
        return 0;
    snprintf(group->path, sizeof group->path, "%s", root);
    snprintf(probe, sizeof probe, "%s/%s", group->path, file);
    return access(probe, R_OK);
}

/* A line of /proc/PID/cgroup is "hierarchy:controllers:path"; version 2 has no controllers. */
static void note_path(char *line, char *v1, char *v2, size_t room)
{
    line[strcspn(line, "\n")] = 0;
    char *controllers = strchr(line, ':');
    char *inside = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!inside)
        return;
    *inside++ = 0;
    if (!controllers[1])
        snprintf(v2, room, "%s", inside);
    else if (strstr(controllers + 1, "memory"))
        snprintf(v1, room, "%s", inside);
}

int mp_cgroup_find(struct mp_cgroup *group, pid_t pid)
{
    char line[4096 + 64], path[64] = "/proc/self/cgroup", v1[4096] = "", v2[4096] = "";
    if (pid)
        snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    while (fgets(line, sizeof line, file))
        note_path(line, v1, v2, sizeof v1);
    fclose(file);
    if (*v2 && !settle(group, 2, "/sys/fs/cgroup", v2, "memory.current"))
        return 0;
    if (*v1 && !settle(group, 1, "/sys/fs/cgroup/memory", v1, "memory.usage_in_bytes"))
        return 0;
    errno = ENOENT;
    return -1;
}

static int64_t read_number(const struct mp_cgroup *group, const char *name)
{
    char path[sizeof group->path + 64], text[64];
    snprintf(path, sizeof path, "%s/%s", group->path, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    char *read = fgets(text, sizeof text, file);
    fclose(file);
    if (!read) {
        errno = EIO;
        return -1;
    }
    return strncmp(text, "max", 3) ? strtoll(text, NULL, 10) : INT64_MAX;
}

int64_t mp_cgroup_current(const struct mp_cgroup *group)
{
    return read_number(group,
                       group->version == 2 ? "memory.current" : "memory.usage_in_bytes");
}

int64_t mp_cgroup_limit(const struct mp_cgroup *group)
{
    if (group->version == 2)
        return read_number(group, "memory.max");
    int64_t limit = read_number(group, "memory.limit_in_bytes");
    return limit >= INT64_MAX - (1 << 20) ? INT64_MAX : limit;
}
