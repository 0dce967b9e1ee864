#include "capture/attach/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/kernel_thread.h"
#include "capture/attach/machine.h"
#include "capture/attach/symbols.h"

enum { LONGEST_STATUS = 1 << 14 };

bool mp_target_line(int proc, const char *name, const char *key, char *value, size_t room)
{
    char *text = malloc(LONGEST_STATUS);
    int fd = text ? openat(proc, name, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t length = fd < 0 ? -1 : read(fd, text, LONGEST_STATUS - 1);
    bool found = false;
    if (fd >= 0)
        close(fd);
    if (length > 0) {
        text[length] = 0;
        const char *at = strncmp(text, key, strlen(key)) ? strstr(text, key) : text;
        if (at && (at == text || at[-1] == '\n')) {
            at += strlen(key);
            at += strspn(at, " \t");
            snprintf(value, room, "%.*s", (int)strcspn(at, "\n"), at);
            found = true;
        }
    }
    free(text);
    return found;
}

/* Field 22 of stat is looked at by no one: the descriptor of /proc/PID is who it is. */
static enum mp_target_problem check_state(struct mp_target *target)
{
    char text[128], number[32];
    if (!mp_target_line(target->proc, "status", "State:", text, sizeof text))
        return MP_TARGET_NONE;
    if (*text == 'Z' || *text == 'X')
        return MP_TARGET_ENDED;
    if (mp_target_line(target->proc, "status", "TracerPid:", number, sizeof number))
        target->tracer = (pid_t)atoi(number);
    if (target->tracer)
        return MP_TARGET_TRACED;
    if (*text == 'T' || *text == 't')
        return MP_TARGET_STOPPED;
    return MP_TARGET_OK;
}

/* Of a process that has no memory. */
static enum mp_target_problem why_empty(const struct mp_target *target)
{
    char stat[512];
    bool kernels = mp_target_line(target->proc, "stat", "", stat, sizeof stat) &&
                   mp_stat_is_of_kernel_thread(stat);
    return kernels ? MP_TARGET_KERNEL : MP_TARGET_ENDED;
}

static void read_owner(struct mp_target *target)
{
    char text[128];
    unsigned real, effective;
    if (mp_target_line(target->proc, "status", "Uid:", text, sizeof text) &&
        sscanf(text, "%u %u", &real, &effective) == 2) {
        target->starter = real;
        target->user = effective;
    }
    if (mp_target_line(target->proc, "status", "Gid:", text, sizeof text) &&
        sscanf(text, "%*u %u", &effective) == 1)
        target->group = effective;
}

static enum mp_target_problem open_process(struct mp_target *target)
{
    char path[64], text[128];
    struct stat status;
    if (stat("/proc/self/stat", &status))
        return MP_TARGET_NO_PROC;
    if (target->pid <= 0)
        return MP_TARGET_NONE;
    if (target->pid == getpid())
        return MP_TARGET_SELF;
    snprintf(path, sizeof path, "/proc/%d", (int)target->pid);
    target->proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (target->proc < 0)
        return errno == ENOENT ? MP_TARGET_NONE : MP_TARGET_SYSTEM;
    /* A thread has a folder here as well. */
    if (mp_target_line(target->proc, "status", "Tgid:", text, sizeof text) &&
        atoi(text) != target->pid)
        return MP_TARGET_NONE;
    if (mp_target_line(target->proc, "status", "Name:", text, sizeof text))
        snprintf(target->name, sizeof target->name, "%.63s", text);
    read_owner(target);
    enum mp_target_problem problem = check_state(target);
    if (!problem && !mp_target_line(target->proc, "status", "VmSize:", text, sizeof text))
        problem = why_empty(target);
    return problem;
}

static enum mp_target_problem open_memory(struct mp_target *target)
{
    target->mem = openat(target->proc, "mem", O_RDWR | O_CLOEXEC);
    if (target->mem < 0 || mp_mappings_read(&target->mappings, target->proc)) {
        if (errno == EACCES || errno == EPERM)
            return MP_TARGET_FORBIDDEN;
        return errno == ENOENT || errno == ESRCH ? MP_TARGET_NONE : MP_TARGET_SYSTEM;
    }
    return MP_TARGET_OK;
}

/* The first object that is mapped says what machine the program is for. */
static bool is_foreign(const struct mp_target *target)
{
    for (size_t i = 0; i < target->mappings.count; i++) {
        const struct mp_mapping *one = &target->mappings.items[i];
        unsigned char head[4];
        if (one->offset || *one->path != '/' ||
            !mp_memory_read(target->mem, one->start, head, sizeof head) ||
            memcmp(head, "\177ELF", 4) != 0)
            continue;
        return !mp_symbols_is_of_machine(target->mem, one->start);
    }
    return false;
}

static enum mp_target_problem problem_of(enum mp_python_found found)
{
    switch (found) {
    case MP_PYTHON_FOUND:
        return MP_TARGET_OK;
    case MP_PYTHON_OTHER:
        return MP_TARGET_PYPY;
    case MP_PYTHON_HIDDEN:
        return MP_TARGET_HIDDEN;
    case MP_PYTHON_OLD:
        return MP_TARGET_OLD;
    case MP_PYTHON_UNKNOWN:
        return MP_TARGET_UNKNOWN;
    case MP_PYTHON_NO_LIBC:
        return MP_TARGET_NO_LIBC;
    default:
        return MP_TARGET_NO_PYTHON;
    }
}

static enum mp_target_problem check_phase(const struct mp_target *target)
{
    enum mp_python_phase phase = mp_python_phase(&target->python);
    return phase == MP_PYTHON_STARTS ? MP_TARGET_STARTS
           : phase == MP_PYTHON_ENDS ? MP_TARGET_ENDS
                                     : MP_TARGET_OK;
}

static enum mp_target_problem find_python(struct mp_target *target)
{
    char path[4096], features[128], *base;
    ssize_t length = readlinkat(target->proc, "exe", path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    base = strrchr(path, '/') ? strrchr(path, '/') + 1 : target->name;
    if (is_foreign(target))
        return MP_TARGET_FOREIGN;
    enum mp_target_problem problem =
        problem_of(mp_python_find(&target->python, target->mem, &target->mappings, base));
    if (target->python.free_threaded)
        return MP_TARGET_FREE_THREADED;
    if (!problem &&
        mp_target_line(target->proc, "status", "x86_Thread_features:", features,
                       sizeof features) &&
        mp_machine_is_guarded(features))
        problem = MP_TARGET_GUARDED;
    return problem ? problem : check_phase(target);
}

enum mp_target_problem mp_target_open(struct mp_target *target, pid_t pid)
{
    *target = (struct mp_target){.pid = pid, .proc = -1, .mem = -1};
    enum mp_target_problem problem = open_process(target);
    if (!problem)
        problem = open_memory(target);
    return problem ? problem : find_python(target);
}

enum mp_target_problem mp_target_look_again(struct mp_target *target)
{
    enum mp_target_problem problem = check_state(target);
    if (!problem && mp_mappings_read(&target->mappings, target->proc))
        problem = errno == ESRCH || errno == ENOENT ? MP_TARGET_NONE : MP_TARGET_SYSTEM;
    return problem ? problem : check_phase(target);
}

void mp_target_release(struct mp_target *target)
{
    mp_mappings_release(&target->mappings);
    if (target->mem >= 0)
        close(target->mem);
    if (target->proc >= 0)
        close(target->proc);
    *target = (struct mp_target){.proc = -1, .mem = -1};
}
