#include "store/heap/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/guard.h"
#include "base/output.h"
#include "record/heap.h"
#include "store/heap/read.h"

enum { MOST_OF_ONE_PID = 1000 };

static bool is_ours(const struct mp_heap_header *header)
{
    return !memcmp(header->magic, MP_HEAP_MAGIC, sizeof header->magic) &&
           header->version == MP_HEAP_VERSION && header->header_size == sizeof *header;
}

/* Its first chunk, shared; NULL with errno. */
static struct mp_heap_header *map_first(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    void *mapped = MAP_FAILED;
    errno = ESTALE;
    if (!fstat(fd, &status) && S_ISREG(status.st_mode) && status.st_size >= MP_HEAP_CHUNK)
        mapped = mmap(NULL, MP_HEAP_CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int kept = errno;
    close(fd);
    errno = kept;
    return mapped == MAP_FAILED ? NULL : mapped;
}

int mp_heap_run_join(const char *first, uint64_t run, struct mp_heap_terms *terms)
{
    struct mp_heap_header *header = map_first(first);
    if (!header)
        return -1;
    struct mp_guarded guarded = {(char *)header, (char *)header + MP_HEAP_CHUNK};
    mp_guard_add(&guarded);
    int why = ESTALE;
    if (is_ours(header) && header->run == run) {
        uint64_t before = __atomic_fetch_add(&header->children, 1, __ATOMIC_RELAXED);
        why = before < mp_heap_children_most(header) ? 0 : EDQUOT;
    }
    *terms = (struct mp_heap_terms){header->followed, header->sample, header->most};
    mp_guard_remove(&guarded);
    munmap(header, MP_HEAP_CHUNK);
    errno = why;
    return why ? -1 : 0;
}

int mp_heap_run_create(const char *first, char **path)
{
    for (int i = 0; i < MOST_OF_ONE_PID; i++) {
        int length = i ? asprintf(path, "%s.%d-%d", first, (int)getpid(), i)
                       : asprintf(path, "%s.%d", first, (int)getpid());
        if (length < 0)
            return -1;
        int fd = mp_output_create(*path, MP_OUTPUT_PRIVATE);
        if (fd >= 0)
            return fd;
        int kept = errno;
        free(*path);
        errno = kept;
        if (errno != EEXIST && errno != ELOOP)
            return -1;
    }
    return -1;
}

uint64_t mp_heap_run_of(const char *path)
{
    struct mp_heap_header header;
    return mp_heap_peek(path, &header) ? header.run : 0;
}

int mp_heap_run_owner(const char *path, struct mp_heap_owner *owner)
{
    struct mp_heap_header header;
    if (!mp_heap_peek(path, &header))
        return -1;
    *owner = (struct mp_heap_owner){header.run, header.pid,
                                    header.followed & MP_HEAP_CHILDREN_TOO, header.clean};
    return 0;
}

/* ".4711" or ".4711-1" */
static bool is_suffix(const char *text)
{
    if (*text++ != '.')
        return false;
    size_t digits = strspn(text, "0123456789");
    const char *more = text + digits;
    if (digits && *more == '-' && more[1])
        more += 1 + strspn(more + 1, "0123456789");
    return digits && !*more;
}

static int add(struct mp_heap_children *children, char *path)
{
    if (mp_array_reserve((void **)&children->paths, &children->room, children->count + 1,
                         sizeof *children->paths)) {
        free(path);
        return -1;
    }
    children->paths[children->count++] = path;
    return 0;
}

static int by_name(const void *left, const void *right)
{
    const char *a = *(char *const *)left, *b = *(char *const *)right;
    size_t x = strlen(a), y = strlen(b);
    return x != y ? (x > y) - (x < y) : strcmp(a, b);
}

static int look(struct mp_heap_children *children, DIR *folder, const char *first,
                uint64_t run, size_t most)
{
    const char *slash = strrchr(first, '/'), *base = slash ? slash + 1 : first;
    size_t length = strlen(base);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char *path;
        if (strncmp(entry->d_name, base, length) != 0 || !is_suffix(entry->d_name + length))
            continue;
        if (asprintf(&path, "%s%s", first, entry->d_name + length) < 0)
            return -1;
        bool is_its = mp_heap_run_of(path) == run;
        children->left_out += is_its && children->count == most;
        if (!is_its || children->count == most)
            free(path);
        else if (add(children, path))
            return -1;
    }
    return 0;
}

int mp_heap_children_find(struct mp_heap_children *children, const char *first, size_t most)
{
    *children = (struct mp_heap_children){0};
    struct mp_heap_header header;
    uint64_t run = mp_heap_peek(first, &header) ? header.run : 0;
    if (run && !most)
        most = mp_heap_children_most(&header);
    char *folder = run ? strdup(first) : NULL;
    if (!folder)
        return run ? -1 : 0;
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = 0;
    DIR *entries = opendir(slash ? folder : ".");
    int failed = entries ? look(children, entries, first, run, most) : -1;
    if (entries)
        closedir(entries);
    free(folder);
    if (children->count)
        qsort(children->paths, children->count, sizeof *children->paths, by_name);
    return failed;
}

void mp_heap_children_release(struct mp_heap_children *children)
{
    for (size_t i = 0; i < children->count; i++)
        free(children->paths[i]);
    free(children->paths);
    *children = (struct mp_heap_children){0};
}
