/* A capture whose bytes are changed here and there, thousands of times: what is still read is
 * handed on, to be shown. */
#ifndef MP_TESTS_HEAP_DAMAGE_H
#define MP_TESTS_HEAP_DAMAGE_H

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "heap_example.h"
#include "store/heap/read.h"

enum { DAMAGE_ROUNDS = 3000, DAMAGE_SHOWN = 300 };

static uint64_t damage_state = 88172645463325252u;

static inline uint64_t damage_next(void)
{
    damage_state ^= damage_state << 13;
    damage_state ^= damage_state >> 7;
    return damage_state ^= damage_state << 17;
}

/* The bytes that mean something: the header, and the first of each table. */
static inline size_t damage_place(void)
{
    static const size_t used[] = {0, 64 * 17, 40 * 11, 400, 48 * 3};
    size_t chunk = damage_next() % 5;
    size_t span = chunk ? used[chunk] : sizeof(struct mp_heap_header);
    if (!chunk && damage_next() % 2)
        span = offsetof(struct mp_heap_header, series);
    else if (!chunk && damage_next() % 4 == 0)
        return offsetof(struct mp_heap_header, owners) + damage_next() % 16;
    return chunk * MP_HEAP_CHUNK + damage_next() % span;
}

static inline bool damage_read(int fd, void (*show)(const struct mp_heap_capture *))
{
    struct mp_heap_capture capture;
    bool is_read = mp_heap_read_fd(&capture, fd) == MP_HEAP_OK;
    if (is_read)
        show(&capture);
    mp_heap_capture_release(&capture);
    return is_read;
}

static inline void damage_each(void (*show)(const struct mp_heap_capture *))
{
    const char *path = example_write();
    int fd = open(path, O_RDWR), shown = 0;
    for (int round = 0; round < DAMAGE_ROUNDS; round++) {
        uint64_t value = damage_next() % 3 ? damage_next() : UINT64_MAX, before = 0;
        size_t at = damage_place(), span = damage_next() % 3 ? 1 : 8;
        assert_int_equal(pread(fd, &before, span, (off_t)at), (ssize_t)span);
        assert_int_equal(pwrite(fd, &value, span, (off_t)at), (ssize_t)span);
        shown += damage_read(fd, show);
        assert_int_equal(pwrite(fd, &before, span, (off_t)at), (ssize_t)span);
    }
    assert_true(shown > DAMAGE_SHOWN);
    close(fd);
    unlink(path);
}

/* The same, cut shorter and shorter. */
static inline void damage_cut(void (*show)(const struct mp_heap_capture *))
{
    const char *path = example_write();
    int fd = open(path, O_RDWR);
    off_t length = lseek(fd, 0, SEEK_END);
    assert_true(damage_read(fd, show));
    for (; length > 0; length -= length > 2 * MP_HEAP_CHUNK ? 997 : 61) {
        assert_int_equal(ftruncate(fd, length), 0);
        damage_read(fd, show);
    }
    close(fd);
    unlink(path);
}

#endif
