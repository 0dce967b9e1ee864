/* mprof attach: finds the process meant, never guessing, and watches it from outside. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/kernel_thread.h"
#include "cmd/shared/command.h"
#include "cmd/timeline/session.h"
#include "cmd/timeline/settings.h"

enum { MOST_LISTED = 10, MOST_ARGUMENTS = 256, LONGEST_COMMAND = 1 << 16 };

/* Reads /proc/PID/NAME; returns the length, 0 when it cannot. */
static size_t read_proc(long pid, const char *name, char *text, size_t room)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, room - 1);
    if (fd >= 0)
        close(fd);
    text[length > 0 ? length : 0] = 0;
    return length > 0 ? (size_t)length : 0;
}

/* The process's name, or the last component of its first argument, holds the hint. */
static bool matches(long pid, const char *hint)
{
    char text[4096];
    size_t length = read_proc(pid, "comm", text, sizeof text);
    text[length ? length - 1 : 0] = 0;
    bool named = strstr(text, hint) != NULL;
    if (!read_proc(pid, "cmdline", text, sizeof text))
        return false; /* the kernel's own, or a zombie */
    const char *base = strrchr(text, '/') ? strrchr(text, '/') + 1 : text;
    return named || strstr(base, hint) != NULL;
}

static void list_candidates(const long *pids, size_t count, const char *hint)
{
    mp_fail("%zu%s processes are called %s; give one number:",
            count < MOST_LISTED ? count : MOST_LISTED,
            count > MOST_LISTED ? " and more" : "", hint);
    for (size_t i = 0; i < count && i < MOST_LISTED; i++) {
        char text[200];
        size_t length = read_proc(pids[i], "cmdline", text, sizeof text);
        for (size_t at = 0; at + 1 < length; at++)
            if (!text[at])
                text[at] = ' ';
        mp_note("  %ld  %s", pids[i], text);
    }
}

/* The one process of that name; 0 when there is none or a choice (said). */
static pid_t find_by_name(const char *hint)
{
    long pids[MOST_LISTED + 1];
    size_t count = 0;
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    while (proc && (entry = readdir(proc)) && count <= MOST_LISTED) {
        long pid = isdigit((unsigned char)entry->d_name[0]) ? atol(entry->d_name) : 0;
        if (pid && pid != getpid() && matches(pid, hint))
            pids[count++] = pid;
    }
    if (!proc) {
        mp_fail("cannot read /proc: %s", strerror(errno));
        return 0;
    }
    closedir(proc);
    if (count == 0)
        mp_fail("no process is called %s", hint);
    if (count > 1)
        list_candidates(pids, count, hint);
    return count == 1 ? (pid_t)pids[0] : 0;
}

/* The process meant by a number; 0 when there is none (said), -1 when it is no number. */
static pid_t find_by_number(const char *hint)
{
    char *end;
    errno = 0;
    long pid = strtol(hint, &end, 10);
    if (*end || end == hint)
        return -1;
    char text[1024];
    if (access("/proc/self/stat", R_OK))
        return mp_fail("cannot read /proc: is it mounted?"), 0;
    bool there =
        pid > 0 && !errno && pid <= 1 << 22 && read_proc(pid, "stat", text, sizeof text);
    if (!there)
        return mp_fail("no process %s", hint), 0;
    if (pid == getpid())
        return mp_fail("process %ld is mprof itself", pid), 0;
    const char *state = strrchr(text, ')');
    bool kernels = mp_stat_is_of_kernel_thread(text);
    bool ended = state && state[1] && (state[2] == 'Z' || state[2] == 'X');
    bool empty = read_proc(pid, "statm", text, sizeof text) && !strncmp(text, "0 0 ", 4);
    if (kernels)
        return mp_fail("process %ld belongs to the kernel and has no memory of its own",
                       pid),
               0;
    if (ended || empty)
        return mp_fail("process %ld has ended already, its parent has yet to notice", pid),
               0;
    return (pid_t)pid;
}

/* Splits cmdline at its NULs; falls back to the hint. Returns how many. */
static size_t command_of(pid_t pid, char *text, size_t room, char **arguments, char *hint)
{
    size_t length = read_proc(pid, "cmdline", text, room), count = 0;
    for (size_t at = 0; at < length && count < MOST_ARGUMENTS; at += strlen(text + at) + 1)
        arguments[count++] = text + at;
    if (!count)
        arguments[count++] = hint;
    return count;
}

static int watch_process(const struct mp_run_settings *settings, pid_t pid, char *hint,
                         struct mp_capture_file *file)
{
    static char text[LONGEST_COMMAND];
    char *arguments[MOST_ARGUMENTS];
    size_t count = command_of(pid, text, sizeof text, arguments, hint);
    struct mp_session session;
    mp_session_init(&session, settings, file);
    session.watch.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    int code = MP_EXIT_FAILURE;
    if (!mp_session_watch(&session, pid) && !mp_session_begin(&session, arguments, count)) {
        mp_session_record(&session);
        code = session.watch.writer.error ? MP_EXIT_PROFILER : MP_EXIT_OK;
        if (session.watch.signal)
            code = MP_EXIT_SIGNAL + session.watch.signal;
        else if (session.watch.end.ending == MP_ENDED_GONE)
            mp_note("process %d has ended", (int)pid);
        else if (session.watch.end.ending == MP_ENDED_TIMEOUT)
            mp_note("timeout: stopped recording process %d", (int)pid);
    }
    mp_session_release(&session);
    return code;
}

int mp_run_attached(struct mp_run_settings *settings, int count, char **hint)
{
    pid_t pid = find_by_number(hint[0]);
    if (pid < 0 && (isdigit((unsigned char)*hint[0]) || count > 1)) {
        mp_fail("attach: takes one process, by number or name; see 'mprof help attach'");
        return MP_EXIT_USAGE;
    }
    if (pid < 0)
        pid = find_by_name(hint[0]);
    if (pid <= 0)
        return MP_EXIT_FAILURE;
    struct mp_capture_file file;
    int code = MP_EXIT_FAILURE;
    if (!mp_capture_file_open(&file, settings->output, settings->force)) {
        mp_session_announce(settings);
        printf("attaching to existing process, using hint: %s\n", hint[0]);
        fflush(stdout);
        code = watch_process(settings, pid, hint[0], &file);
    }
    mp_capture_file_release(&file);
    return code;
}
