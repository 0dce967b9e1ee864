#include "store/heap/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/held.h"
#include "base/saturate.h"

enum {
    SECOND = 1000000000,
    SOON = 2000000000
}; /* ns: SOON from the file's birth to the first reading of the clock */

/* Whether the lines of /proc/PID/maps name the file. Where its device has another number there
   (btrfs, overlays), the inode alone must do. */
static bool names(FILE *maps, const struct stat *file)
{
    char *line = NULL;
    size_t room = 0;
    uint64_t inode;
    bool found = false;
    while (!found && getline(&line, &room, maps) > 0)
        found = sscanf(line, "%*s %*s %*s %*s %" SCNu64, &inode) == 1 &&
                inode == (uint64_t)file->st_ino;
    free(line);
    return found;
}

/* 1: it has the file mapped, 0: it has not or is not there, -1: that cannot be seen. */
static int maps_it(int64_t pid, const struct stat *file)
{
    char path[64];
    if (access("/proc/self/maps", R_OK))
        return -1;
    snprintf(path, sizeof path, "/proc/%" PRId64 "/maps", pid);
    FILE *maps = fopen(path, "re");
    if (!maps)
        return errno == ENOENT || errno == ESRCH ? 0 : -1;
    int found = names(maps, file);
    fclose(maps);
    return found;
}

/* A file that came to be when the recording began. */
static bool is_original(int fd, const struct mp_heap_header *header)
{
    struct statx status;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &status) ||
        !(status.stx_mask & STATX_BTIME))
        return false;
    int64_t born =
        mp_sum(mp_product(status.stx_btime.tv_sec, SECOND), status.stx_btime.tv_nsec);
    int64_t after = mp_difference(header->wall_start, born);
    return after > -SOON && after < SOON;
}

enum mp_heap_writer mp_heap_writer_of(int fd, const struct mp_heap_header *header)
{
    struct stat file;
    if (header->followed & MP_HEAP_KILLED)
        return MP_WRITER_GONE;
    if (header->followed & MP_HEAP_LIVED || fstat(fd, &file))
        return MP_WRITER_UNKNOWN;
    if (mp_held_by_other(fd))
        return MP_WRITER_RUNS;
    int maps = maps_it(header->pid, &file);
    if (maps > 0)
        return MP_WRITER_RUNS;
    return !maps && mp_held_is_known(fd) && is_original(fd, header) ? MP_WRITER_GONE
                                                                    : MP_WRITER_UNKNOWN;
}

const char *mp_heap_writer_says(enum mp_heap_writer writer)
{
    return writer == MP_WRITER_RUNS   ? "the program is still running"
           : writer == MP_WRITER_GONE ? "the program was killed, or became another (exec)"
                                      : "the program was killed, or is still running";
}
