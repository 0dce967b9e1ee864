#include "capture/process/tree.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"

static int add(struct mp_tree *tree, pid_t pid)
{
    for (size_t i = 0; i < tree->count; i++)
        if (tree->pids[i] == pid)
            return 0;
    if (mp_array_reserve((void **)&tree->pids, &tree->room, tree->count + 1, sizeof(pid_t)))
        return -1;
    tree->pids[tree->count++] = pid;
    return 0;
}

/* Adds the pids of one `children` file ("12 13 14 "); -1 with errno when it cannot be read. */
static int add_children_file(struct mp_tree *tree, const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    long pid;
    int failed = 0;
    while (!failed && fscanf(file, "%ld", &pid) == 1)
        failed = add(tree, (pid_t)pid);
    fclose(file);
    return failed;
}

/* Adds the children of every thread of a process. 0 also when the process is gone. */
static int add_children(struct mp_tree *tree, pid_t parent)
{
    char path[64 + 256];
    snprintf(path, sizeof path, "/proc/%d/task", (int)parent);
    DIR *tasks = opendir(path);
    if (!tasks)
        return errno == ENOENT ? 0 : -1;
    int failed = 0;
    for (struct dirent *task; !failed && (task = readdir(tasks));) {
        if (!isdigit((unsigned char)task->d_name[0]))
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)parent, task->d_name);
        failed = add_children_file(tree, path) && errno == ENOMEM ? -1 : 0;
    }
    closedir(tasks);
    return failed;
}

/* Field 4 of /proc/PID/stat, after the name, which may hold anything; 0 when gone. */
static pid_t parent_of(const char *pid)
{
    char path[64 + 256], text[512];
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = 0;
    const char *end = strrchr(text, ')');
    int parent = 0;
    if (end && sscanf(end + 1, " %*c %d", &parent) != 1)
        parent = 0;
    return (pid_t)parent;
}

static int is_listed(const struct mp_tree *tree, pid_t root, pid_t pid)
{
    for (size_t i = 0; i < tree->count; i++)
        if (tree->pids[i] == pid)
            return 1;
    return pid == root;
}

/* For kernels without the `children` files: passes over /proc until nothing is added. */
static int scan_all(struct mp_tree *tree, pid_t root)
{
    size_t before;
    do {
        before = tree->count;
        DIR *proc = opendir("/proc");
        if (!proc)
            return -1;
        for (struct dirent *entry; (entry = readdir(proc));) {
            if (!isdigit((unsigned char)entry->d_name[0]))
                continue;
            pid_t pid = (pid_t)atol(entry->d_name), parent = parent_of(entry->d_name);
            if (parent && !is_listed(tree, root, pid) && is_listed(tree, root, parent) &&
                add(tree, pid)) {
                closedir(proc);
                return -1;
            }
        }
        closedir(proc);
    } while (tree->count != before);
    return 0;
}

static int has_children_files(void)
{
    static _Atomic int known = -1;
    if (known < 0) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
        known = !access(path, F_OK);
    }
    return known;
}

int mp_tree_list(struct mp_tree *tree, pid_t root)
{
    tree->count = 0;
    if (!has_children_files())
        return scan_all(tree, root);
    if (add_children(tree, root))
        return -1;
    for (size_t i = 0; i < tree->count; i++)
        if (add_children(tree, tree->pids[i]))
            return -1;
    return 0;
}

void mp_tree_release(struct mp_tree *tree)
{
    free(tree->pids);
    *tree = (struct mp_tree){0};
}

int64_t mp_tree_memory(struct mp_tree *tree, pid_t root, enum mp_metric metric)
{
    int64_t sum = 0;
    if (mp_tree_list(tree, root))
        return 0;
    for (size_t i = 0; i < tree->count; i++) {
        struct mp_meter meter;
        if (mp_meter_open(&meter, tree->pids[i], metric))
            continue;
        int64_t bytes = mp_meter_read(&meter);
        sum += bytes > 0 ? bytes : 0;
        mp_meter_release(&meter);
    }
    return sum;
}
