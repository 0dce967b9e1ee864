#include "store/heap/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/held.h"
#include "base/limit.h"
#include "base/output.h"
#include "store/heap/holes.h"
#include "store/heap/spare.h"
#include "store/identity/identity.h"

enum {
    FIRST_CHUNKS = MP_HEAP_THREADS + 1
}; /* the header, and a chunk of each table that has a first item */

/* The addresses for a table, in bytes: most may fill a good part of the file. */
static size_t span_of(const struct mp_heap_file *file, enum mp_heap_table table)
{
    enum { ENTRIES = MP_HEAP_SLOTS * MP_HEAP_SLOT * sizeof(struct mp_heap_holding) };
    static const unsigned parts[MP_HEAP_TABLES] = {
        [MP_HEAP_NODES] = 1,     [MP_HEAP_CODES] = 4,    [MP_HEAP_TEXT] = 2,
        [MP_HEAP_THREADS] = 8,   [MP_HEAP_SOURCES] = 16, [MP_HEAP_SOURCE_LINES] = 8,
        [MP_HEAP_TYPES] = 16,    [MP_HEAP_TYPED] = 8,    [MP_HEAP_TAGS] = 16,
        [MP_HEAP_TYPED_THEN] = 8};
    static const unsigned fixed[MP_HEAP_TABLES] = {[MP_HEAP_UNUSED] = 1, /* the header's */
                                                   [MP_HEAP_HOLDERS] = 1,
                                                   [MP_HEAP_WASTE] = 1,
                                                   [MP_HEAP_MOMENTS] = 1,
                                                   [MP_HEAP_CENSUSES] = 1,
                                                   [MP_HEAP_ENTRIES] =
                                                       ENTRIES / MP_HEAP_CHUNK};
    unsigned chunks = parts[table] ? file->heap.most / parts[table] : fixed[table];
    return (size_t)chunks * MP_HEAP_CHUNK;
}

static size_t whole_span(const struct mp_heap_file *file)
{
    size_t sum = 0;
    for (int table = 0; table < MP_HEAP_TABLES; table++)
        sum += span_of(file, (enum mp_heap_table)table);
    return sum;
}

static char *start_of(const struct mp_heap_file *file, enum mp_heap_table table)
{
    char *at = file->base;
    for (int before = 0; before < (int)table; before++)
        at += span_of(file, (enum mp_heap_table)before);
    return at;
}

static bool look(const struct mp_heap_file *file, int fd, struct stat *status)
{
    return fd >= 0 && !fstat(fd, status) && status->st_dev == file->device &&
           status->st_ino == file->inode;
}

static bool is_ours(const struct mp_heap_file *file, int fd)
{
    struct stat status;
    return look(file, fd, &status);
}

/* The program may have closed our descriptor, or put its own file there. */
static int find_again(struct mp_heap_file *file, struct stat *status)
{
    if (look(file, file->fd, status))
        return 0;
    int fd = file->path ? open(file->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd >= 0 && !look(file, fd, status)) {
        close(fd);
        errno = EBADF;
        return -1;
    }
    file->fd = fd < 0 ? -1 : mp_output_lift(fd);
    if (file->fd >= 0)
        mp_held_take(file->fd); /* closing the old one let go of it */
    return file->fd < 0 ? -1 : 0;
}

/* It was cut short, whether or not anybody met the place yet: to grow it would make zeros of that. */
static bool lacks_some(const struct mp_heap_file *file, const struct stat *status)
{
    return file->heap.is_cut || status->st_size < (off_t)file->heap.chunks * MP_HEAP_CHUNK;
}

/* In the signal handler too. */
static void note_cut(struct mp_guarded *guarded)
{
    struct mp_heap_file *file =
        (void *)((char *)guarded - offsetof(struct mp_heap_file, guarded));
    __atomic_store_n(&file->heap.is_cut, 1, __ATOMIC_RELAXED);
    if (file->heap.cut)
        file->heap.cut(&file->heap);
}

static int map_private(char *at)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    return mmap(at, MP_HEAP_CHUNK, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED ? -1
                                                                                       : 0;
}

/* Of a file that nobody else knows yet, all that it begins with. */
static int allocate(struct mp_heap_file *file)
{
    struct mp_limited limited;
    unsigned chunks = file->heap.chunks ? 1 : FIRST_CHUNKS;
    mp_limit_begin(&limited);
    int failed = fallocate(file->fd, 0, (off_t)file->heap.chunks * MP_HEAP_CHUNK,
                           (off_t)chunks * MP_HEAP_CHUNK);
    mp_limit_end(&limited, failed);
    file->allocated += failed ? 0 : chunks;
    return failed;
}

/* Pages come one by one: around the first one of a short run's table the others are not touched. */
static int map_shared(const struct mp_heap_file *file, char *at)
{
    void *mapped = mmap(at, MP_HEAP_CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                        file->fd, (off_t)file->heap.chunks * MP_HEAP_CHUNK);
    if (mapped == MAP_FAILED)
        return -1;
    int kept = errno;
    madvise(at, MP_HEAP_CHUNK, MADV_RANDOM);
    errno = kept;
    return 0;
}

static int map_chunk(struct mp_heap_file *file, char *at)
{
    struct stat status;
    if (file->in_memory)
        return map_private(at);
    if (find_again(file, &status))
        return -1;
    if (lacks_some(file, &status)) {
        note_cut(&file->guarded);
        errno = ESTALE;
        return -1;
    }
    if (file->heap.chunks == file->allocated && allocate(file))
        return -1;
    return map_shared(file, at);
}

/* A thread cancelled here would never give back the recorder's lock. */
static int map_uncancelled(struct mp_heap_file *file, char *at)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    int failed = map_chunk(file, at);
    pthread_setcancelstate(before, &before);
    return failed;
}

static int grow(struct mp_heap *heap, enum mp_heap_table table)
{
    struct mp_heap_file *file = (struct mp_heap_file *)heap;
    size_t at = (size_t)file->order[table] * MP_HEAP_CHUNK;
    if (heap->chunks == heap->most || at + MP_HEAP_CHUNK > span_of(file, table)) {
        errno = ENOSPC;
        return -1;
    }
    if (map_uncancelled(file, start_of(file, table) + at)) {
        file->error = file->error ? file->error : errno;
        heap->header->series.refused = (uint32_t)file->error;
        return -1;
    }
    file->order[table]++;
    __atomic_store_n(&heap->header->owners[file->heap.chunks++], (uint8_t)table,
                     __ATOMIC_RELEASE);
    heap->room[table] = (at + MP_HEAP_CHUNK) / mp_heap_item_size(table);
    return 0;
}

/* The file system has no fallocate(2), or maps nothing shared. */
static bool is_unable(int why)
{
    return why == EOPNOTSUPP || why == ENOSYS || why == ENODEV || why == EINVAL;
}

static int map_header(struct mp_heap_file *file)
{
    int failed = map_chunk(file, file->base);
    if (failed && is_unable(errno)) {
        file->in_memory = true;
        failed = map_chunk(file, file->base);
    }
    if (failed)
        return -1;
    struct mp_heap *heap = &file->heap;
    heap->chunks = 1;
    heap->shared = !file->in_memory;
    heap->header = (struct mp_heap_header *)file->base;
    heap->nodes = (void *)start_of(file, MP_HEAP_NODES);
    heap->codes = (void *)start_of(file, MP_HEAP_CODES);
    heap->text = start_of(file, MP_HEAP_TEXT);
    heap->threads = (void *)start_of(file, MP_HEAP_THREADS);
    heap->moments = (void *)start_of(file, MP_HEAP_MOMENTS);
    heap->entries = (void *)start_of(file, MP_HEAP_ENTRIES);
    heap->sources = (void *)start_of(file, MP_HEAP_SOURCES);
    heap->source_lines = (void *)start_of(file, MP_HEAP_SOURCE_LINES);
    heap->types = (void *)start_of(file, MP_HEAP_TYPES);
    heap->typed = (void *)start_of(file, MP_HEAP_TYPED);
    heap->tags = (void *)start_of(file, MP_HEAP_TAGS);
    heap->censuses = (void *)start_of(file, MP_HEAP_CENSUSES);
    heap->typed_then = (void *)start_of(file, MP_HEAP_TYPED_THEN);
    heap->holders = (void *)start_of(file, MP_HEAP_HOLDERS);
    heap->waste = (void *)start_of(file, MP_HEAP_WASTE);
    heap->grow = grow;
    return 0;
}

/* Fails where there is no /proc: then it is not known. What starts a run takes no room in it: the
   words before our module may be long paths. */
static void note_command(char command[MP_HEAP_COMMAND])
{
    static const char runner[] = "memory_profiler._heap_run";
    char words[4096];
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t got = read(fd, words, sizeof words);
    close(fd);
    const char *from = got > 0 ? memmem(words, (size_t)got, runner, sizeof runner) : NULL;
    from = from ? from : words;
    size_t length = got > 0 ? (size_t)(words + got - from) : 0;
    length = length < MP_HEAP_COMMAND ? length : MP_HEAP_COMMAND - 1;
    memcpy(command, from, length);
    command[length] = 0;
}

static uint64_t new_run(void)
{
    uint64_t run = 0;
    if (getrandom(&run, sizeof run, GRND_NONBLOCK) != sizeof run || !run)
        run = (uint64_t)mp_clock_ns() << 22 | (uint64_t)getpid();
    return run;
}

/* Node 0 is the root of all stacks, code 0 has no name, thread 0 is all the others. */
static int fill_header(struct mp_heap *heap)
{
    struct mp_heap_header *header = heap->header;
    header->version = MP_HEAP_VERSION;
    header->header_size = sizeof *header;
    header->stay = MP_HEAP_STAY;
    header->pid = getpid();
    header->most = (uint64_t)heap->most * MP_HEAP_CHUNK;
    header->run = new_run();
    note_command(header->command);
    mp_identity_find(&header->identity);
    for (int table = MP_HEAP_NODES; table < MP_HEAP_TABLES; table++)
        header->item_sizes[table] = (uint32_t)mp_heap_item_size((enum mp_heap_table)table);
    for (int table = MP_HEAP_NODES; table <= MP_HEAP_THREADS; table++) {
        if (grow(heap, (enum mp_heap_table)table))
            return -1;
        header->counts[table] = 1;
    }
    memcpy(header->magic, MP_HEAP_MAGIC, sizeof header->magic);
    return 0;
}

static int begin(struct mp_heap_file *file, const char *path)
{
    struct stat status;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (file->fd >= 0 && fstat(file->fd, &status))
        return -1;
    if (file->fd >= 0) {
        file->device = status.st_dev;
        file->inode = status.st_ino;
        mp_held_take(file->fd);
        if (path && !(file->path = strdup(path)))
            return -1;
    }
    file->base = mmap(NULL, whole_span(file), PROT_NONE, flags, -1, 0);
    if (file->base == MAP_FAILED) {
        file->base = NULL;
        return -1;
    }
    if (!file->in_memory) {
        file->guarded =
            (struct mp_guarded){file->base, file->base + whole_span(file), note_cut};
        mp_guard_add(&file->guarded);
    }
    return map_header(file) ? -1 : fill_header(&file->heap);
}

/* Where addresses are few, those of the tables are the program's to have: not a quarter of them. */
static unsigned chunks_of(uint64_t most, bool in_memory)
{
    struct rlimit limit;
    uint64_t usual = in_memory ? MP_HEAP_CHUNKS_MEMORY : MP_HEAP_CHUNKS_MOST;
    uint64_t chunks = most ? most / MP_HEAP_CHUNK : usual;
    uint64_t some = !getrlimit(RLIMIT_AS, &limit) && limit.rlim_cur != RLIM_INFINITY
                        ? limit.rlim_cur / MP_HEAP_CHUNK / 8
                        : chunks;
    if (chunks > some)
        chunks = some;
    if (chunks < MP_HEAP_CHUNKS_LEAST)
        chunks = MP_HEAP_CHUNKS_LEAST;
    return chunks < MP_HEAP_CHUNKS ? (unsigned)chunks : MP_HEAP_CHUNKS;
}

int mp_heap_file_open(struct mp_heap_file *file, int fd, const char *path, uint64_t most)
{
    *file = (struct mp_heap_file){
        .heap.most = chunks_of(most, fd < 0), .fd = fd, .in_memory = fd < 0};
    file->heap.stays = fd >= 0;
    if (!begin(file, path))
        return 0;
    int kept = errno;
    mp_heap_file_release(file);
    errno = kept;
    return -1;
}

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t done = write(fd, bytes, length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        bytes += done;
        length -= (size_t)done;
    }
    return 0;
}

static int write_chunks(const struct mp_heap_file *file, int fd)
{
    unsigned done[MP_HEAP_TABLES] = {0};
    for (unsigned i = 0; i < file->heap.chunks; i++) {
        enum mp_heap_table table = (enum mp_heap_table)file->heap.header->owners[i];
        const char *at = start_of(file, table) + (size_t)done[table]++ * MP_HEAP_CHUNK;
        if (write_all(fd, at, MP_HEAP_CHUNK))
            return -1;
    }
    return 0;
}

int mp_heap_file_write(const struct mp_heap_file *file, int fd)
{
    struct mp_limited limited;
    mp_limit_begin(&limited);
    int failed = write_chunks(file, fd);
    mp_limit_end(&limited, failed);
    return failed;
}

static int write_out(struct mp_heap_file *file)
{
    struct stat status;
    return find_again(file, &status) ? -1 : mp_heap_file_write(file, file->fd);
}

/* Who cuts it short and lets it grow again leaves zeros. */
static bool was_cut(struct mp_heap_file *file)
{
    const struct mp_heap_header *header = file->heap.header;
    struct stat status;
    if (file->heap.is_cut || (look(file, file->fd, &status) && lacks_some(file, &status)) ||
        memcmp(header->magic, MP_HEAP_MAGIC, sizeof header->magic) != 0 ||
        mp_heap_has_holes(&file->heap))
        note_cut(&file->guarded);
    return file->heap.is_cut;
}

int mp_heap_file_finish(struct mp_heap_file *file)
{
    if (file->heap.is_cut || (!file->in_memory && was_cut(file))) {
        errno = ESTALE;
        return -1;
    }
    __atomic_store_n(&file->heap.header->clean, 1, __ATOMIC_RELEASE);
    /* It may wait for the disk, and a program stands still here. */
    if (!file->in_memory && !file->has_keeper && is_ours(file, file->fd))
        mp_heap_give_back(file->fd, file->heap.header, file->heap.moments,
                          file->heap.chunks);
    return file->in_memory && file->inode ? write_out(file) : 0;
}

void mp_heap_file_release(struct mp_heap_file *file)
{
    if (file->guarded.start)
        mp_guard_remove(&file->guarded);
    if (file->base)
        munmap(file->base, whole_span(file));
    if (is_ours(file, file->fd) || (file->fd >= 0 && !file->inode))
        close(file->fd);
    free(file->path);
    *file = (struct mp_heap_file){.fd = -1};
}
