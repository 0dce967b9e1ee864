/* Reading a bundle: every number of the index is checked before it is used. */
#include "store/heap/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/heap.h"
#include "store/heap/header.h"

/* The analyzer loses sight of what is kept in an array. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

enum { MOST_INDEX = 1 << 28, LEAST_ENTRY = sizeof(struct mp_bundle_entry) + 8 };
static const uint64_t most_member = (uint64_t)MP_HEAP_CHUNKS * MP_HEAP_CHUNK;

static int fail(int why)
{
    errno = why;
    return -1;
}

static int read_head(struct mp_bundle *bundle)
{
    struct mp_bundle_head *head = &bundle->head;
    struct stat status;
    if (fstat(bundle->fd, &status))
        return -1;
    ssize_t got =
        S_ISREG(status.st_mode) ? mp_heap_read_at(bundle->fd, head, sizeof *head, 0) : 0;
    bundle->size = status.st_size;
    if (got < 0)
        return -1;
    if (got < (ssize_t)sizeof *head ||
        memcmp(head->magic, MP_BUNDLE_MAGIC, sizeof head->magic) != 0 ||
        head->version != MP_BUNDLE_VERSION)
        return fail(EINVAL);
    uint64_t size = (uint64_t)bundle->size;
    bool fits = head->index <= size && head->index_size <= size - head->index &&
                head->index_size <= MOST_INDEX &&
                head->count <= head->index_size / LEAST_ENTRY;
    return fits ? 0 : fail(EBADMSG);
}

/* Its pages are in both files, in order in the member, and together no more than this one. */
static bool are_runs(const struct mp_bundle *bundle, const struct mp_bundle_member *member)
{
    uint64_t before = 0, sum = 0, size = (uint64_t)bundle->size;
    for (uint32_t i = 0; i < member->entry->runs; i++) {
        const struct mp_bundle_run *run = &member->runs[i];
        if (run->to < before || run->length > size || run->from > size - run->length ||
            run->to > member->entry->size || run->length > member->entry->size - run->to ||
            (sum += run->length) > size)
            return false;
        before = run->to + run->length;
    }
    return true;
}

/* A name is one that a file may have. */
static bool is_name(const char *name, size_t length)
{
    return length && length <= MP_BUNDLE_NAME && !memchr(name, '/', length) &&
           !memchr(name, 0, length);
}

/* Returns where the next one is; 0: this one is none. */
static size_t read_member(struct mp_bundle *bundle, size_t at, size_t number)
{
    struct mp_bundle_member *member = &bundle->members[number];
    size_t room = bundle->head.index_size - at;
    const struct mp_bundle_entry *entry = (const void *)(bundle->index + at);
    if (room < sizeof *entry)
        return 0;
    room -= sizeof *entry;
    if (entry->size > most_member || entry->runs > room / sizeof *member->runs)
        return 0;
    size_t runs = entry->runs * sizeof *member->runs;
    size_t name = ((size_t)entry->name_length + 7) / 8 * 8;
    const char *text = bundle->index + at + sizeof *entry + runs;
    if (name > room - runs || !is_name(text, entry->name_length))
        return 0;
    member->entry = entry;
    member->runs = (const void *)(entry + 1);
    if (!are_runs(bundle, member))
        return 0;
    member->name = strndup(text, entry->name_length);
    return member->name ? at + sizeof *entry + runs + name : 0;
}

static int read_index(struct mp_bundle *bundle)
{
    const struct mp_bundle_head *head = &bundle->head;
    bundle->index = malloc(head->index_size + 1);
    bundle->members = calloc(head->count + 1, sizeof *bundle->members);
    if (!bundle->index || !bundle->members)
        return -1;
    ssize_t got =
        mp_heap_read_at(bundle->fd, bundle->index, head->index_size, (int64_t)head->index);
    if (got < 0)
        return -1;
    if ((uint64_t)got < head->index_size)
        return fail(EBADMSG);
    for (size_t i = 0, at = 0; i < head->count; i++)
        if (!(at = read_member(bundle, at, i)))
            return fail(EBADMSG);
    return 0;
}

int mp_bundle_open(struct mp_bundle *bundle, const char *path)
{
    *bundle = (struct mp_bundle){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    return bundle->fd < 0 || read_head(bundle) || read_index(bundle) ? -1 : 0;
}

void mp_bundle_release(struct mp_bundle *bundle)
{
    int kept = errno;
    if (bundle->fd >= 0)
        close(bundle->fd);
    for (size_t i = 0; bundle->members && i < bundle->head.count; i++)
        free(bundle->members[i].name);
    free(bundle->members);
    free(bundle->index);
    *bundle = (struct mp_bundle){.fd = -1};
    errno = kept;
}

static int copy_run(const struct mp_bundle *bundle, const struct mp_bundle_run *run, int to)
{
    off_t from = (off_t)run->from;
    if (lseek(to, (off_t)run->to, SEEK_SET) < 0)
        return -1;
    for (uint64_t left = run->length; left;) {
        ssize_t done = sendfile(to, bundle->fd, &from, left);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done ? -1 : fail(EBADMSG);
        left -= (uint64_t)done;
    }
    return 0;
}

int mp_bundle_extract(const struct mp_bundle *bundle, size_t number)
{
    const struct mp_bundle_member *member = &bundle->members[number];
    int fd = memfd_create("mprof", MFD_CLOEXEC), failed = fd < 0;
    if (!failed)
        failed = ftruncate(fd, (off_t)member->entry->size);
    for (uint32_t i = 0; i < member->entry->runs && !failed; i++)
        failed = copy_run(bundle, &member->runs[i], fd);
    if (failed && fd >= 0) {
        int kept = errno;
        close(fd);
        errno = kept;
    }
    return failed ? -1 : fd;
}

static int extract(const char *path, const char *name)
{
    struct mp_bundle bundle;
    int fd = -1;
    if (!mp_bundle_open(&bundle, path)) {
        size_t i = 0;
        while (i < bundle.head.count && strcmp(bundle.members[i].name, name) != 0)
            i++;
        fd = i < bundle.head.count ? mp_bundle_extract(&bundle, i) : fail(ENOENT);
    } else if (errno == EINVAL)
        errno = ENOTDIR;
    mp_bundle_release(&bundle);
    return fd;
}

int mp_bundle_extract_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *file = slash ? strndup(path, (size_t)(slash - path)) : NULL;
    if (!file)
        return slash ? -1 : fail(ENOTDIR);
    int fd = extract(file, slash + 1), kept = errno;
    free(file);
    errno = kept;
    return fd;
}
