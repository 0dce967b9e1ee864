#include "capture/timeline/fork_events.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { RING_PAGES = 8 };

struct mp_fork_events_ring {
    int fd;
    struct perf_event_mmap_page *page;
    size_t size; /* of the record area, a power of two */
};

static int open_ring(struct mp_fork_events_ring *ring, pid_t root, int processor)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE,
        .size = sizeof attributes,
        .config = PERF_COUNT_SW_DUMMY,
        .inherit = 1,
        .task = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .watermark = 1,
        .wakeup_watermark = 1u << 30, /* nobody waits on it */
    };
    long page = sysconf(_SC_PAGESIZE);
    ring->fd = (int)syscall(SYS_perf_event_open, &attributes, root, processor, -1,
                            PERF_FLAG_FD_CLOEXEC);
    if (ring->fd < 0)
        return -1;
    ring->size = RING_PAGES * (size_t)page;
    ring->page = mmap(NULL, ring->size + (size_t)page, PROT_READ | PROT_WRITE, MAP_SHARED,
                      ring->fd, 0);
    if (ring->page != MAP_FAILED)
        return 0;
    int kept = errno;
    close(ring->fd);
    errno = kept;
    return -1;
}

int mp_fork_events_open(struct mp_fork_events *fork_events, pid_t root)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    *fork_events = (struct mp_fork_events){
        .rings = calloc((size_t)processors, sizeof *fork_events->rings)};
    if (!fork_events->rings)
        return -1;
    for (int i = 0; i < processors; i++, fork_events->count++)
        if (open_ring(&fork_events->rings[i], root, i)) {
            int kept = errno;
            mp_fork_events_release(fork_events);
            errno = kept;
            return -1;
        }
    return 0;
}

void mp_fork_events_release(struct mp_fork_events *fork_events)
{
    for (size_t i = 0; i < fork_events->count; i++) {
        munmap(fork_events->rings[i].page,
               fork_events->rings[i].size + (size_t)sysconf(_SC_PAGESIZE));
        close(fork_events->rings[i].fd);
    }
    free(fork_events->rings);
    *fork_events = (struct mp_fork_events){0};
}

struct task_record {
    struct perf_event_header header;
    uint32_t pid, ppid, tid, ptid;
    uint64_t time;
};

static void copy_out(const struct mp_fork_events_ring *ring, uint64_t at, void *to,
                     size_t size)
{
    const char *base = (const char *)ring->page + sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < size; i++)
        ((char *)to)[i] = base[(at + i) & (ring->size - 1)];
}

static void drain(struct mp_fork_events *fork_events, struct mp_fork_events_ring *ring,
                  mp_fork_event_seen *seen, void *context)
{
    uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
    uint64_t at = ring->page->data_tail;
    while (at < head) {
        struct task_record record = {0};
        copy_out(ring, at, &record.header, sizeof record.header);
        size_t size = record.header.size;
        if (size < sizeof record.header)
            break;
        copy_out(ring, at, &record, size < sizeof record ? size : sizeof record);
        at += size;
        if (record.header.type == PERF_RECORD_LOST)
            fork_events->lost++;
        else if (record.header.type == PERF_RECORD_FORK && record.pid == record.tid)
            seen(context, (pid_t)record.pid, (pid_t)record.ppid, false);
        else if (record.header.type == PERF_RECORD_EXIT && record.pid == record.tid)
            seen(context, (pid_t)record.pid, (pid_t)record.ppid, true);
    }
    __atomic_store_n(&ring->page->data_tail, head, __ATOMIC_RELEASE);
}

void mp_fork_events_drain(struct mp_fork_events *fork_events, mp_fork_event_seen *seen,
                          void *context)
{
    for (size_t i = 0; i < fork_events->count; i++)
        drain(fork_events, &fork_events->rings[i], seen, context);
}
