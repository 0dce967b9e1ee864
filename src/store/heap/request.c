#include "store/heap/request.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/saturate.h"
#include "store/heap/writer.h"

enum { TRIES = 200, PAUSE = 10000000 /* ns */ };

/* Those who ask go one after the other; the lock is given back when one of them is killed. */
static bool take_turn(int fd)
{
    for (int i = 0; i < TRIES; i++) {
        if (!flock(fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK)
            return true; /* where there are no such locks nobody waits */
        nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
    }
    return false;
}

static enum mp_heap_asking_problem problem_of(int fd, const struct mp_heap_header *header)
{
    if (header->clean)
        return MP_HEAP_ASKING_OVER;
    switch (mp_heap_writer_of(fd, header)) {
    case MP_WRITER_GONE:
        return MP_HEAP_ASKING_OVER;
    case MP_WRITER_UNKNOWN:
        return MP_HEAP_ASKING_COPY;
    default:
        return header->period ? MP_HEAP_ASKING_OK : MP_HEAP_ASKING_OFF;
    }
}

static enum mp_heap_asking_problem look(int fd)
{
    struct stat status;
    struct mp_heap_made made;
    struct mp_heap_header *header = malloc(sizeof *header);
    if (!header || fstat(fd, &status)) {
        free(header);
        return MP_HEAP_ASKING_SYSTEM;
    }
    enum mp_heap_problem read =
        S_ISREG(status.st_mode) ? mp_heap_header_read(fd, header, &made) : MP_HEAP_FOREIGN;
    enum mp_heap_asking_problem problem = MP_HEAP_ASKING_FOREIGN;
    if (read == MP_HEAP_SYSTEM)
        problem = MP_HEAP_ASKING_SYSTEM;
    else if (read == MP_HEAP_FUTURE ||
             (read == MP_HEAP_OK && made.version != MP_HEAP_VERSION))
        problem = MP_HEAP_ASKING_OLD;
    else if (read == MP_HEAP_OK && status.st_size >= MP_HEAP_CHUNK)
        problem = problem_of(fd, header);
    free(header);
    return problem;
}

static enum mp_heap_asking_problem map(struct mp_heap_asking *asking)
{
    void *mapped =
        mmap(NULL, MP_HEAP_CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, asking->fd, 0);
    if (mapped == MAP_FAILED)
        return MP_HEAP_ASKING_SYSTEM;
    asking->header = mapped;
    asking->guarded = (struct mp_guarded){mapped, (char *)mapped + MP_HEAP_CHUNK};
    mp_guard_add(&asking->guarded);
    return MP_HEAP_ASKING_OK;
}

/* The name is there before its number, and that before the bit. */
static enum mp_heap_asking_problem write_request(struct mp_heap_asking *asking,
                                                 const void *wanted)
{
    const char *name = wanted;
    struct mp_heap_header *header = asking->header;
    uint32_t asked = header->asked;
    if (asked - __atomic_load_n(&header->answered, __ATOMIC_ACQUIRE) >= MP_HEAP_REQUESTS)
        return MP_HEAP_ASKING_CROWD;
    struct mp_heap_request *request = &header->requests[asked % MP_HEAP_REQUESTS];
    memset(request, 0, sizeof *request);
    memcpy(request->name, name, strnlen(name, sizeof request->name));
    request->taken =
        mp_difference(mp_clock_ns() + mp_clock_wall_offset(), header->wall_start);
    asking->number = asked;
    __atomic_store_n(&header->asked, asked + 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_or(&header->tell, (uint32_t)MP_HEAP_TELL_REQUEST, __ATOMIC_SEQ_CST);
    return MP_HEAP_ASKING_OK;
}

/* One number stands for all that ask meanwhile. */
static enum mp_heap_asking_problem write_types_request(struct mp_heap_asking *asking,
                                                       const void *ignored)
{
    struct mp_heap_header *header = asking->header;
    (void)ignored;
    if (header->header_size <
        offsetof(struct mp_heap_header, types_answered) + sizeof header->types_answered)
        return MP_HEAP_ASKING_OLD;
    asking->number = __atomic_fetch_add(&header->types_asked, 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_or(&header->tell, (uint32_t)MP_HEAP_TELL_REQUEST, __ATOMIC_SEQ_CST);
    return MP_HEAP_ASKING_OK;
}

/* What is wanted is there before the number. What another wanted that was not begun is wanted no more. */
static enum mp_heap_asking_problem write_holders_request(struct mp_heap_asking *asking,
                                                         const void *asked)
{
    const struct mp_heap_wants *wants = asked;
    struct mp_heap_holders_asked *its = &asking->header->holders;
    if (asking->header->header_size <
        offsetof(struct mp_heap_header, holders) + sizeof *its)
        return MP_HEAP_ASKING_OLD;
    its->wanted = wants->what;
    snprintf(its->name, sizeof its->name, "%s", wants->name ? wants->name : "");
    asking->number = __atomic_fetch_add(&its->asked, 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_or(&asking->header->tell, (uint32_t)MP_HEAP_TELL_REQUEST,
                      __ATOMIC_SEQ_CST);
    return MP_HEAP_ASKING_OK;
}

typedef enum mp_heap_asking_problem write_it(struct mp_heap_asking *, const void *wanted);

static enum mp_heap_asking_problem ask(struct mp_heap_asking *asking, const char *path,
                                       write_it *write_asked, const void *wanted)
{
    *asking = (struct mp_heap_asking){
        .fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    if (asking->fd < 0)
        return MP_HEAP_ASKING_SYSTEM;
    enum mp_heap_asking_problem problem = look(asking->fd);
    if (write_asked != write_request && problem == MP_HEAP_ASKING_OFF)
        problem = MP_HEAP_ASKING_OK; /* they are no moments */
    if (!problem && !take_turn(asking->fd))
        problem = MP_HEAP_ASKING_BUSY;
    if (!problem)
        problem = map(asking);
    if (!problem)
        problem = write_asked(asking, wanted);
    int kept = errno;
    flock(asking->fd, LOCK_UN);
    errno = kept;
    return problem;
}

enum mp_heap_asking_problem mp_heap_ask(struct mp_heap_asking *asking, const char *path,
                                        const char *name)
{
    return ask(asking, path, write_request, name);
}

enum mp_heap_asking_problem mp_heap_ask_types(struct mp_heap_asking *asking,
                                              const char *path)
{
    return ask(asking, path, write_types_request, NULL);
}

enum mp_heap_asking_problem mp_heap_ask_holders(struct mp_heap_asking *asking,
                                                const char *path,
                                                const struct mp_heap_wants *wants)
{
    return ask(asking, path, write_holders_request, wants);
}

static bool is_beyond(const uint32_t *done, uint32_t number)
{
    return (int32_t)(__atomic_load_n(done, __ATOMIC_ACQUIRE) - number) > 0;
}

bool mp_heap_asking_has_types(const struct mp_heap_asking *asking)
{
    return is_beyond(&asking->header->types_answered, asking->number);
}

enum mp_heap_asking_state mp_heap_asking_holders(const struct mp_heap_asking *asking)
{
    const struct mp_heap_holders_asked *its = &asking->header->holders;
    if (is_beyond(&its->answered, asking->number))
        return MP_HEAP_ASKING_ANSWERED;
    if (is_beyond(&its->looked, asking->number))
        return MP_HEAP_ASKING_LOOKED;
    return is_beyond(&its->begun, asking->number) ? MP_HEAP_ASKING_BEGUN
                                                  : MP_HEAP_ASKING_WAITS;
}

bool mp_heap_asking_is_answered(const struct mp_heap_asking *asking, int64_t *taken)
{
    const struct mp_heap_header *header = asking->header;
    uint32_t answered = __atomic_load_n(&header->answered, __ATOMIC_ACQUIRE);
    *taken = header->requests[asking->number % MP_HEAP_REQUESTS].taken;
    return (int32_t)(answered - asking->number) > 0;
}

bool mp_heap_asking_is_over(const struct mp_heap_asking *asking)
{
    return asking->header->clean ||
           mp_heap_writer_of(asking->fd, asking->header) == MP_WRITER_GONE;
}

void mp_heap_asking_release(struct mp_heap_asking *asking)
{
    if (asking->header) {
        mp_guard_remove(&asking->guarded);
        munmap(asking->header, MP_HEAP_CHUNK);
    }
    if (asking->fd >= 0)
        close(asking->fd);
    *asking = (struct mp_heap_asking){.fd = -1};
}

/* A tracker inside another has a file too, into which nothing is recorded until it ends. */
static bool is_recorded(const char *path, uint64_t inode)
{
    struct stat status;
    struct mp_heap_made made;
    struct mp_heap_header *header = malloc(sizeof *header);
    int fd = header ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
    bool is = fd >= 0 && !fstat(fd, &status) && S_ISREG(status.st_mode) &&
              status.st_ino == inode &&
              mp_heap_header_read(fd, header, &made) == MP_HEAP_OK &&
              header->series.interval > 0;
    if (fd >= 0)
        close(fd);
    free(header);
    return is;
}

/* Where its root is another one's folder, and we may be in one ourselves, names begin with that folder's. */
static const char *in_its_root(int64_t pid, const char *path)
{
    char link[64], root[4096];
    snprintf(link, sizeof link, "/proc/%" PRId64 "/root", pid);
    ssize_t length = readlink(link, root, sizeof root);
    bool below = length > 1 && length < (ssize_t)sizeof root &&
                 !strncmp(path, root, (size_t)length) && path[length] == '/';
    return below ? path + length : path;
}

/* The kernel writes the ends of lines that are in a name as it writes nothing else; such four bytes may be the
   name's own, too. */
static void put_line_ends(char *path)
{
    static const char written[] = "\\012";
    for (char *at = path; (at = strstr(at, written)); at++) {
        *at = '\n';
        memmove(at + 1, at + sizeof written - 1, strlen(at + sizeof written - 1) + 1);
    }
}

/* Its own names may be another folder's here. */
static char *name_here(int64_t pid, const char *path, uint64_t inode)
{
    char *other = NULL;
    if (is_recorded(path, inode))
        return strdup(path);
    if (asprintf(&other, "/proc/%" PRId64 "/root%s", pid, in_its_root(pid, path)) < 0)
        return NULL;
    if (is_recorded(other, inode))
        return other;
    free(other);
    return NULL;
}

/* Of the shared mappings of files that it may write to. */
static char *find(FILE *maps, int64_t pid)
{
    char *line = NULL, *found = NULL;
    size_t room = 0;
    while (!found && getline(&line, &room, maps) > 0) {
        char rights[8];
        uint64_t inode;
        int at = 0;
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "%*s %7s %*s %*s %" SCNu64 " %n", rights, &inode, &at) == 2 &&
            at && !strcmp(rights, "rw-s") && line[at] == '/') {
            found = name_here(pid, line + at, inode);
            put_line_ends(line + at);
            found = found ? found : name_here(pid, line + at, inode);
        }
    }
    free(line);
    return found;
}

char *mp_heap_of_process(int64_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%" PRId64 "/maps", pid);
    FILE *maps = fopen(path, "re");
    if (!maps) {
        errno = errno == ENOENT ? ESRCH : errno;
        return NULL;
    }
    errno = 0;
    char *found = find(maps, pid);
    int why = ferror(maps) && errno ? errno : ENOENT;
    fclose(maps);
    errno = found ? 0 : why;
    return found;
}
