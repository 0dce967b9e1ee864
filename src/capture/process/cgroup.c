#include "capture/process/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

/* Beside the stack: a thread's of a library may be small. */
struct groups {
    char text[1 << 14], v1[4096], v2[4096];
};

static int find_in(struct groups *groups, struct mp_cgroup *group, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t got = 1;
    if (fd < 0)
        return -1;
    while (got > 0 && length < sizeof groups->text - 1) {
        got = read(fd, groups->text + length, sizeof groups->text - 1 - length);
        length += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    for (char *line = groups->text, *end; *line; line = end) {
        end = line + strcspn(line, "\n");
        if (*end)
            *end++ = 0;
        note_path(line, groups->v1, groups->v2, sizeof groups->v1);
    }
    if (*groups->v2 && !settle(group, 2, "/sys/fs/cgroup", groups->v2, "memory.current"))
        return 0;
    if (*groups->v1 &&
        !settle(group, 1, "/sys/fs/cgroup/memory", groups->v1, "memory.usage_in_bytes"))
        return 0;
    errno = ENOENT;
    return -1;
}

int mp_cgroup_find(struct mp_cgroup *group, pid_t pid)
{
    char path[64] = "/proc/self/cgroup";
    if (pid)
        snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
    struct groups *groups = mmap(NULL, sizeof *groups, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (groups == MAP_FAILED)
        return -1;
    int failed = find_in(groups, group, path), kept = errno;
    munmap(groups, sizeof *groups);
    errno = kept;
    return failed;
}

/* A file of the group's, ended by NUL. How much there is of it, or -1 with errno. */
static ssize_t read_file(const struct mp_cgroup *group, const char *name, char *text,
                         size_t room)
{
    char path[sizeof group->path + 64];
    snprintf(path, sizeof path, "%s/%s", group->path, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t got = read(fd, text, room - 1);
    int kept = errno;
    close(fd);
    errno = kept;
    text[got > 0 ? got : 0] = 0;
    return got;
}

static int64_t read_number(const struct mp_cgroup *group, const char *name)
{
    char text[64];
    ssize_t got = read_file(group, name, text, sizeof text);
    if (got <= 0) {
        errno = got ? errno : EIO;
        return -1;
    }
    return strncmp(text, "max", 3) ? strtoll(text, NULL, 10) : INT64_MAX;
}

/* The number behind a word that begins a line; -1: there is none. */
static int64_t read_field(const struct mp_cgroup *group, const char *name, const char *word)
{
    char text[4096];
    size_t length = strlen(word);
    if (read_file(group, name, text, sizeof text) <= 0)
        return -1;
    for (const char *at = text; at; at = strchr(at, '\n'), at += at != NULL)
        if (!strncmp(at, word, length) && at[length] == ' ')
            return strtoll(at + length, NULL, 10);
    errno = ENOENT;
    return -1;
}

int64_t mp_cgroup_current(const struct mp_cgroup *group)
{
    return read_number(group,
                       group->version == 2 ? "memory.current" : "memory.usage_in_bytes");
}

int64_t mp_cgroup_idle_files(const struct mp_cgroup *group)
{
    return read_field(group, "memory.stat",
                      group->version == 2 ? "inactive_file" : "total_inactive_file");
}

int64_t mp_cgroup_limit(const struct mp_cgroup *group)
{
    if (group->version == 2)
        return read_number(group, "memory.max");
    int64_t limit = read_number(group, "memory.limit_in_bytes");
    return limit >= INT64_MAX - (1 << 20) ? INT64_MAX : limit;
}

int64_t mp_cgroup_high(const struct mp_cgroup *group)
{
    return group->version == 2 ? read_number(group, "memory.high") : INT64_MAX;
}

void mp_cgroup_tighten(struct mp_cgroup *group)
{
    static const char mount[] = "/sys/fs/cgroup";
    struct mp_cgroup at = *group;
    int64_t lowest = mp_cgroup_limit(group);
    for (char *slash; (slash = strrchr(at.path, '/')) && slash > at.path;) {
        *slash = 0;
        if (strlen(at.path) < sizeof mount - 1)
            return;
        int64_t limit = mp_cgroup_limit(&at);
        if (limit >= 0 && (lowest < 0 || limit < lowest)) {
            lowest = limit;
            *group = at;
        }
    }
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=1072285", in microseconds. */
static int64_t read_stalled(const struct mp_cgroup *group)
{
    char text[256];
    if (group->version != 2 || read_file(group, "memory.pressure", text, sizeof text) <= 0)
        return -1;
    const char *total = strstr(text, "total=");
    return total ? strtoll(total + strlen("total="), NULL, 10) * 1000 : -1;
}

struct mp_cgroup_events mp_cgroup_read_events(const struct mp_cgroup *group)
{
    bool is_new = group->version == 2;
    return (struct mp_cgroup_events){
        .kills =
            read_field(group, is_new ? "memory.events" : "memory.oom_control", "oom_kill"),
        .throttled = is_new ? read_field(group, "memory.events", "high") : -1,
        .stalled = read_stalled(group)};
}
