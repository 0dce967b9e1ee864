#include "store/heap_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/output.h"

enum { MIB = 1 << 20 };

/* The most of each table, in bytes; the file's cap comes first. */
static const size_t spans[MP_HEAP_TABLES] = {
    [MP_HEAP_UNUSED] = MP_HEAP_CHUNK, /* the header */
    [MP_HEAP_NODES] = 24 * MIB,       [MP_HEAP_CODES] = 2 * MIB,
    [MP_HEAP_TEXT] = 6 * MIB,         [MP_HEAP_THREADS] = 1 * MIB,
};

static size_t whole_span(void)
{
    size_t sum = 0;
    for (int table = 0; table < MP_HEAP_TABLES; table++)
        sum += spans[table];
    return sum;
}

static char *start_of(const struct mp_heap_file *file, enum mp_heap_table table)
{
    char *at = file->base;
    for (int before = 0; before < (int)table; before++)
        at += spans[before];
    return at;
}

static bool is_ours(const struct mp_heap_file *file, int fd)
{
    struct stat status;
    return fd >= 0 && !fstat(fd, &status) && status.st_dev == file->device &&
           status.st_ino == file->inode;
}

/* The program may have closed our descriptor, or put its own file there. */
static int find_again(struct mp_heap_file *file)
{
    if (is_ours(file, file->fd))
        return 0;
    int fd = file->path ? open(file->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd >= 0 && !is_ours(file, fd)) {
        close(fd);
        errno = EBADF;
        return -1;
    }
    file->fd = fd < 0 ? -1 : mp_output_lift(fd);
    return file->fd < 0 ? -1 : 0;
}

/* A signal would tell the program of a limit that it did not meet itself. */
static bool is_over_limit(off_t end)
{
    struct rlimit limit;
    return !getrlimit(RLIMIT_FSIZE, &limit) && limit.rlim_cur != RLIM_INFINITY &&
           (rlim_t)end > limit.rlim_cur;
}

static int map_private(char *at)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    return mmap(at, MP_HEAP_CHUNK, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED ? -1
                                                                                       : 0;
}

static int map_chunk(struct mp_heap_file *file, char *at)
{
    off_t offset = (off_t)file->chunks * MP_HEAP_CHUNK;
    if (file->in_memory)
        return map_private(at);
    if (find_again(file))
        return -1;
    if (is_over_limit(offset + MP_HEAP_CHUNK)) {
        errno = EFBIG;
        return -1;
    }
    if (fallocate(file->fd, 0, offset, MP_HEAP_CHUNK))
        return -1;
    void *mapped = mmap(at, MP_HEAP_CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                        file->fd, offset);
    return mapped == MAP_FAILED ? -1 : 0;
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
    if (file->chunks == MP_HEAP_CHUNKS || at + MP_HEAP_CHUNK > spans[table]) {
        errno = ENOSPC;
        return -1;
    }
    if (map_uncancelled(file, start_of(file, table) + at)) {
        file->error = file->error ? file->error : errno;
        heap->header->series.refused = (uint32_t)file->error;
        return -1;
    }
    file->order[table]++;
    __atomic_store_n(&heap->header->owners[file->chunks++], (uint8_t)table,
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
    file->chunks = 1;
    struct mp_heap *heap = &file->heap;
    heap->header = (struct mp_heap_header *)file->base;
    heap->nodes = (void *)start_of(file, MP_HEAP_NODES);
    heap->codes = (void *)start_of(file, MP_HEAP_CODES);
    heap->text = start_of(file, MP_HEAP_TEXT);
    heap->threads = (void *)start_of(file, MP_HEAP_THREADS);
    heap->grow = grow;
    return 0;
}

/* Fails where there is no /proc: then it is not known. */
static void note_command(char command[MP_HEAP_COMMAND])
{
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t got = read(fd, command, MP_HEAP_COMMAND - 1);
    close(fd);
    command[got > 0 ? got : 0] = 0;
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
    header->node_size = sizeof(struct mp_heap_node);
    header->pid = getpid();
    header->run = new_run();
    note_command(header->command);
    for (int table = MP_HEAP_NODES; table < MP_HEAP_TABLES; table++) {
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
        if (path && !(file->path = strdup(path)))
            return -1;
    }
    file->base = mmap(NULL, whole_span(), PROT_NONE, flags, -1, 0);
    if (file->base == MAP_FAILED) {
        file->base = NULL;
        return -1;
    }
    return map_header(file) ? -1 : fill_header(&file->heap);
}

int mp_heap_file_open(struct mp_heap_file *file, int fd, const char *path)
{
    *file = (struct mp_heap_file){.fd = fd, .in_memory = fd < 0};
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

static int write_out(struct mp_heap_file *file)
{
    unsigned done[MP_HEAP_TABLES] = {0};
    if (find_again(file))
        return -1;
    if (is_over_limit((off_t)file->chunks * MP_HEAP_CHUNK)) {
        errno = EFBIG;
        return -1;
    }
    for (unsigned i = 0; i < file->chunks; i++) {
        enum mp_heap_table table = (enum mp_heap_table)file->heap.header->owners[i];
        const char *at = start_of(file, table) + (size_t)done[table]++ * MP_HEAP_CHUNK;
        if (write_all(file->fd, at, MP_HEAP_CHUNK))
            return -1;
    }
    return 0;
}

/* The disk that chunks do not use, which is most of a short run's file: a hole reads as zeros, as
   it did. Where that cannot be, nothing is lost. */
static void give_back_room(const struct mp_heap_file *file)
{
    const struct mp_heap_header *header = file->heap.header;
    size_t before[MP_HEAP_TABLES] = {0}, page = (size_t)sysconf(_SC_PAGESIZE);
    for (unsigned i = 0; i < file->chunks && is_ours(file, file->fd); i++) {
        enum mp_heap_table table = (enum mp_heap_table)header->owners[i];
        size_t used =
            table ? header->counts[table] * mp_heap_item_size(table) : sizeof *header;
        used = used > before[table] ? used - before[table] : 0;
        before[table] += MP_HEAP_CHUNK;
        used = (used + page - 1) / page * page;
        if (used < MP_HEAP_CHUNK)
            fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                      (off_t)i * MP_HEAP_CHUNK + (off_t)used,
                      (off_t)(MP_HEAP_CHUNK - used));
    }
}

int mp_heap_file_finish(struct mp_heap_file *file)
{
    __atomic_store_n(&file->heap.header->clean, 1, __ATOMIC_RELEASE);
    if (!file->in_memory)
        give_back_room(file);
    return file->in_memory && file->inode ? write_out(file) : 0;
}

void mp_heap_file_release(struct mp_heap_file *file)
{
    if (file->base)
        munmap(file->base, whole_span());
    if (is_ours(file, file->fd) || (file->fd >= 0 && !file->inode))
        close(file->fd);
    free(file->path);
    *file = (struct mp_heap_file){.fd = -1};
}
