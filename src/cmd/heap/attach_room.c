#include "cmd/heap/attach_room.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "capture/attach/inject.h"
#include "cmd/shared/command.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

enum {
    LONGEST_ANSWER = 1 << 16,
    IN_ROOT = 0x10, /* RESOLVE_IN_ROOT: links in there lead nowhere else */
    DEEPEST = 8,
    NUMBER = 16, /* digits of a name */
    YOUNG = 60   /* s: its mprof may have yet to lock it */
};

static const char start_of_name[] = "mprof-";
static const char *const places[] = {"tmp", "dev/shm", "var/tmp", "run"};

/* As the kernel has it. */
struct how {
    uint64_t flags, mode, resolve;
};

static bool is_same(int one, int other)
{
    struct stat a, b;
    return !fstat(one, &a) && !fstat(other, &b) && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* Other folders may be at the same names. */
static bool has_other_mounts(int proc)
{
    char its[64] = "", ours[64] = "";
    return readlinkat(proc, "ns/mnt", its, sizeof its - 1) < 0 ||
           readlink("/proc/self/ns/mnt", ours, sizeof ours - 1) < 0 ||
           strcmp(its, ours) != 0;
}

static int open_in(int root, const char *path, bool other_root)
{
    struct how how = {O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, IN_ROOT};
    int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd < 0 && !other_root && errno != ENOENT)
        fd = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd;
}

static bool is_name(const char *name)
{
    size_t length = sizeof start_of_name - 1;
    return !strncmp(name, start_of_name, length) &&
           strspn(name + length, "0123456789abcdef") == NUMBER && !name[length + NUMBER];
}

/* The process owns what is in its room. */
static int give(const struct mp_attach_room *room, int fd)
{
    return room->other_user && fchown(fd, room->target->user, room->target->group) ? -1 : 0;
}

static bool try_in(struct mp_attach_room *room, int root, const char *path)
{
    uint64_t number = 0;
    room->parent = open_in(root, path, room->other_root);
    if (room->parent < 0 || getrandom(&number, sizeof number, 0) != sizeof number)
        return false;
    snprintf(room->name, sizeof room->name, "%s%016llx", start_of_name,
             (unsigned long long)number);
    snprintf(room->there, sizeof room->there, "/%s/%s", path, room->name);
    if (!mkdirat(room->parent, room->name, 0700)) {
        room->folder = openat(room->parent, room->name,
                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (room->folder >= 0 && !fchmod(room->folder, 0700) && !give(room, room->folder)) {
            flock(room->folder, LOCK_EX | LOCK_NB); /* as long as we live */
            return true;
        }
        unlinkat(room->parent, room->name, AT_REMOVEDIR);
    }
    int kept = errno;
    if (room->folder >= 0)
        close(room->folder);
    close(room->parent);
    room->folder = room->parent = -1;
    errno = kept;
    return false;
}

/* NULL: they cannot be read. The folder stays open. */
static DIR *entries_of(int folder)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    if (!entries && copy >= 0)
        close(copy);
    return entries;
}

static void empty(int folder, int depth)
{
    DIR *entries = entries_of(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        const char *name = entry->d_name;
        if (!strcmp(name, ".") || !strcmp(name, "..") || !unlinkat(folder, name, 0))
            continue;
        int inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner >= 0 && depth < DEEPEST)
            empty(inner, depth + 1);
        if (inner >= 0)
            close(inner);
        unlinkat(folder, name, AT_REMOVEDIR);
    }
    if (entries)
        closedir(entries);
}

/* A capture in it is its user's. */
static bool has_capture(int folder)
{
    DIR *entries = entries_of(folder);
    bool has = !entries;
    for (struct dirent *entry; !has && (entry = readdir(entries));)
        has = !strncmp(entry->d_name, MP_ATTACH_CAPTURE, sizeof MP_ATTACH_CAPTURE - 1);
    if (entries)
        closedir(entries);
    return has;
}

/* The process that was asked there does not look for the request any more, or is gone. */
static bool is_withdrawn(const struct mp_attach_room *room, int folder, const char *name)
{
    char file[sizeof room->there + sizeof room->name + sizeof MP_ATTACH_REQUEST];
    const struct mp_attach_room its = {.folder = folder};
    char *pid = mp_attach_room_read(&its, MP_ATTACH_ASKED);
    struct mp_target target;
    if (!pid)
        return true;
    enum mp_target_problem problem = mp_target_open(&target, (pid_t)atoi(pid));
    snprintf(file, sizeof file, "%.*s%.*s/" MP_ATTACH_REQUEST,
             (int)(strlen(room->there) - strlen(room->name)), room->there,
             (int)sizeof room->name - 1, name);
    if (!problem)
        mp_inject_no_more(&target, file);
    mp_target_release(&target);
    free(pid);
    return problem != MP_TARGET_SYSTEM && problem != MP_TARGET_FORBIDDEN &&
           problem != MP_TARGET_STOPPED && problem != MP_TARGET_TRACED;
}

static void remove_if_stale(const struct mp_attach_room *room, const char *name)
{
    struct stat status;
    int folder =
        openat(room->parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return;
    if (!fstat(folder, &status) && (status.st_mode & 07777) == 0700 &&
        (status.st_uid == geteuid() || status.st_uid == room->target->user) &&
        time(NULL) - status.st_mtime > YOUNG && !flock(folder, LOCK_EX | LOCK_NB) &&
        !has_capture(folder) && is_withdrawn(room, folder, name)) {
        empty(folder, 0);
        unlinkat(room->parent, name, AT_REMOVEDIR);
    }
    close(folder);
}

/* The rooms of those that were killed. */
static void remove_stale(const struct mp_attach_room *room)
{
    DIR *entries = entries_of(room->parent);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        if (is_name(entry->d_name))
            remove_if_stale(room, entry->d_name);
    if (entries)
        closedir(entries);
}

int mp_attach_room_open(struct mp_attach_room *room, const struct mp_target *target)
{
    *room = (struct mp_attach_room){.target = target, .parent = -1, .folder = -1};
    int root = openat(target->proc, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int ours = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    room->other_user = target->user != geteuid();
    room->other_root =
        root < 0 || ours < 0 || !is_same(root, ours) || has_other_mounts(target->proc);
    bool made = false;
    for (size_t i = 0; root >= 0 && !made && i < sizeof places / sizeof *places; i++)
        made = try_in(room, root, places[i]);
    int why = errno;
    if (root >= 0)
        close(root);
    if (ours >= 0)
        close(ours);
    if (made)
        remove_stale(room);
    return made ? 0
                : mp_fail(
                      "cannot make a folder in /tmp of process %d, nor in its /dev/shm: %s",
                      (int)target->pid, strerror(why));
}

void mp_attach_room_leave(struct mp_attach_room *room)
{
    if (room->folder >= 0)
        close(room->folder);
    if (room->parent >= 0)
        close(room->parent);
    room->folder = room->parent = -1;
}

void mp_attach_room_close(struct mp_attach_room *room)
{
    if (room->folder >= 0) {
        empty(room->folder, 0);
        unlinkat(room->parent, room->name, AT_REMOVEDIR);
    }
    mp_attach_room_leave(room);
}

bool mp_attach_room_adopt(struct mp_attach_room *room, const struct mp_target *target,
                          const char *capture)
{
    int root = openat(target->proc, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool got = false;
    for (size_t i = 0; root >= 0 && !got && i < sizeof places / sizeof *places; i++) {
        char format[64];
        *room = (struct mp_attach_room){.target = target, .parent = -1, .folder = -1};
        snprintf(format, sizeof format, "/%s/%%31[^/]/" MP_ATTACH_CAPTURE, places[i]);
        if (sscanf(capture, format, room->name) != 1 || !is_name(room->name))
            continue;
        snprintf(room->there, sizeof room->there, "/%s/%s", places[i], room->name);
        room->parent = open_in(root, places[i], true);
        room->folder = openat(room->parent, room->name,
                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        got = room->folder >= 0 && !flock(room->folder, LOCK_EX | LOCK_NB);
        if (!got)
            mp_attach_room_leave(room);
    }
    if (root >= 0)
        close(root);
    return got;
}

int mp_attach_room_put(struct mp_attach_room *room, const char *name, const char *bytes,
                       size_t length)
{
    int fd = openat(room->folder, name,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    int failed = give(room, fd);
    while (!failed && length) {
        ssize_t wrote = write(fd, bytes, length);
        failed = wrote < 0 && errno != EINTR ? -1 : 0;
        bytes += wrote > 0 ? wrote : 0;
        length -= wrote > 0 ? (size_t)wrote : 0;
    }
    int kept = errno;
    close(fd);
    errno = kept;
    return failed;
}

int mp_attach_room_make_folder(struct mp_attach_room *room, const char *name)
{
    if (mkdirat(room->folder, name, 0700))
        return -1;
    int fd = openat(room->folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int failed = fd < 0 ? -1 : give(room, fd);
    if (fd >= 0)
        close(fd);
    return failed;
}

/* What another process wrote: no link, and not without end. */
char *mp_attach_room_read(const struct mp_attach_room *room, const char *name)
{
    struct stat status;
    int fd = openat(room->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char *text = fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode)
                     ? NULL
                     : calloc(1, LONGEST_ANSWER + 1);
    if (text && read(fd, text, LONGEST_ANSWER) < 0)
        *text = 0;
    if (fd >= 0)
        close(fd);
    return text;
}

bool mp_attach_room_take_back(struct mp_attach_room *room, const char *name)
{
    return !unlinkat(room->folder, name, 0);
}
