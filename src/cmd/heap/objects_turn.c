/* The lock is on the process's directory in /proc, the same for all who see that, and nobody's once its
 * owner has ended. Where it cannot be had the answer tells whose it is: objects_ask.c.
 */
#include "cmd/heap/objects_turn.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/shared/command.h"

/* ns; a question takes two minutes at most, and there may be some before. */
static const int64_t a_moment = 5000000, to_say = 1000000000, to_wait = 300000000000;

/* Whose lock is on it; 0: not known. */
static long owner_of(int fd)
{
    struct stat status;
    char line[256];
    long owner, found = 0;
    unsigned long inode;
    FILE *locks = fstat(fd, &status) ? NULL : fopen("/proc/locks", "re");
    while (locks && !found && fgets(line, sizeof line, locks))
        if (sscanf(line, "%*s FLOCK %*s WRITE %ld %*x:%*x:%lu", &owner, &inode) == 2 &&
            inode == status.st_ino)
            found = owner;
    if (locks)
        fclose(locks);
    return found;
}

static const char *words_of(long owner, char *room, size_t size)
{
    snprintf(room, size, owner ? "process %ld" : "another mprof", owner);
    return room;
}

/* Whether it is ours: there is no such lock, or nobody has it. */
static bool is_ours(int fd)
{
    return !flock(fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK;
}

int mp_heap_objects_take_turn(int *turn, const char *pid)
{
    char path[64], owner[32];
    bool said = false;
    int64_t since = mp_clock_ns();
    snprintf(path, sizeof path, "/proc/%s", pid);
    *turn = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (*turn >= 0 && !is_ours(*turn)) {
        int64_t waited = mp_clock_ns() - since;
        if (!said && waited > to_say) {
            mp_note("process %s answers one question at a time, and %s asks it: waiting",
                    pid, words_of(owner_of(*turn), owner, sizeof owner));
            said = true;
        }
        if (waited > to_wait)
            return mp_fail("process %s is busy: %s asks it and does not end", pid,
                           words_of(owner_of(*turn), owner, sizeof owner));
        nanosleep(&(struct timespec){.tv_nsec = a_moment}, NULL);
    }
    return MP_EXIT_OK;
}
