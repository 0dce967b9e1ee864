#include "record/samples.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

enum { LEAST_ROOM = 1024 };

int mp_samples_init(struct mp_samples *samples, size_t most)
{
    *samples = (struct mp_samples){0};
    for (size_t room = most; room >= LEAST_ROOM || room == most; room /= 2) {
        void *rows = mmap(NULL, room * sizeof *samples->rows, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (rows != MAP_FAILED) {
            madvise(rows, room * sizeof *samples->rows, MADV_NOHUGEPAGE);
            samples->rows = rows;
            samples->room = room;
            return 0;
        }
    }
    return -1;
}

void mp_samples_release(struct mp_samples *samples)
{
    if (samples->rows)
        munmap(samples->rows, samples->room * sizeof *samples->rows);
    *samples = (struct mp_samples){0};
}

/* The row after the tick that begins at `from`. */
static size_t tick_end(const struct mp_samples *samples, size_t from)
{
    size_t end = from + 1;
    while (end < samples->count && samples->rows[end].pid)
        end++;
    return end;
}

/* Of each two ticks the one in which the process had more memory stays. */
static void halve(struct mp_samples *samples)
{
    struct mp_sample *rows = samples->rows;
    size_t kept = 0;
    for (size_t first = 0; first < samples->count;) {
        size_t second = tick_end(samples, first), end = second;
        if (second < samples->count)
            end = tick_end(samples, second);
        bool later = end > second && rows[second].bytes > rows[first].bytes;
        size_t from = later ? second : first, length = (later ? end : second) - from;
        memmove(rows + kept, rows + from, length * sizeof *rows);
        kept += length;
        first = end;
    }
    samples->count = kept;
    samples->halvings++;
}

void mp_samples_add(struct mp_samples *samples, struct mp_sample sample)
{
    if (!sample.pid && samples->count >= samples->room - samples->room / 8)
        halve(samples);
    if (samples->count < samples->room)
        samples->rows[samples->count++] = sample;
    else
        samples->lost++;
}
