#include "cmd/heap/attach_home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/output.h"
#include "cmd/heap/attach_children.h"
#include "cmd/shared/command.h"

enum { PIECE = 1 << 16 };

/* From one place to the same in the other file. 0, or -1 with errno. */
static int copy_piece(int from, int to, off_t at, size_t length)
{
    static char bytes[PIECE];
    ssize_t got = pread(from, bytes, length < PIECE ? length : PIECE, at);
    for (ssize_t done = 0; done < got;) {
        ssize_t wrote = pwrite(to, bytes + done, (size_t)(got - done), at + done);
        if (wrote < 0)
            return -1;
        done += wrote;
    }
    return got < 0 ? -1 : (int)got;
}

/* Holes stay holes, where the file system tells of them. */
static int copy_file(int from, int to)
{
    struct stat status;
    if (fstat(from, &status) || ftruncate(to, status.st_size))
        return -1;
    for (off_t at = 0; at < status.st_size;) {
        off_t data = lseek(from, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break;
        at = data < 0 ? at : data;
        int got = copy_piece(from, to, at, PIECE);
        if (got <= 0)
            return got;
        at += got;
    }
    return 0;
}

static int bring(const struct mp_attach_room *room, const char *name, const char *path)
{
    struct stat status;
    int from = openat(room->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int to = from >= 0 && !fstat(from, &status) && S_ISREG(status.st_mode)
                 ? mp_output_create(path, MP_OUTPUT_PRIVATE)
                 : -1;
    if (to >= 0)
        fcntl(to, F_SETFL, 0); /* pieces have their places: nothing is appended */
    int failed = to < 0 || copy_file(from, to), why = errno;
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    if (failed && to >= 0)
        unlink(path);
    return failed
               ? mp_fail(
                     "cannot bring the capture home as %s: %s; it stays in %s of process %d",
                     path, strerror(why), room->there, (int)room->target->pid)
               : 0;
}

static bool is_recorded(const struct mp_attach_room *room, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "/proc/self/fd/%d/%s", room->folder, name);
    return strcmp(name, MP_ATTACH_CAPTURE) != 0 && mp_attach_children_record(path);
}

/* `stays`: whether one does not come, since it is recorded. */
static int bring_all(const struct mp_attach_room *room, const char *path, bool *stays)
{
    int copy = openat(room->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), code = 0;
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    for (struct dirent *entry; entries && !code && (entry = readdir(entries));) {
        char *to = NULL;
        size_t its = sizeof MP_ATTACH_CAPTURE - 1;
        if (strncmp(entry->d_name, MP_ATTACH_CAPTURE, its) != 0)
            continue;
        if (is_recorded(room, entry->d_name)) {
            *stays = true;
            continue;
        }
        if (asprintf(&to, "%s%s", path, entry->d_name + its) < 0)
            code = mp_fail("out of memory");
        else
            code = bring(room, entry->d_name, to);
        free(to);
    }
    if (entries)
        closedir(entries);
    else if (copy >= 0)
        close(copy);
    return code;
}

int mp_attach_bring_home(struct mp_attach_room *room, const char *path)
{
    bool stays = false;
    int code = bring_all(room, path, &stays);
    if (stays)
        mp_note("what is still recorded stays in %s of process %d", room->there,
                (int)room->target->pid);
    if (code || stays)
        mp_attach_room_leave(room);
    else
        mp_attach_room_close(room);
    return code;
}
