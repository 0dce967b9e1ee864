/* What every unit test includes: cmocka with what it needs, and memory that is really there. */
#ifndef MP_TESTS_UNIT_H
#define MP_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>

#define MIB ((int64_t)1 << 20)

/* Fresh resident memory. */
static inline void *take_memory(int64_t bytes)
{
    void *room = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(room != MAP_FAILED);
    memset(room, 1, (size_t)bytes);
    return room;
}

static inline void give_back(void *room, int64_t bytes)
{
    munmap(room, (size_t)bytes);
}

static inline void spike(int64_t bytes)
{
    give_back(take_memory(bytes), bytes);
}

/* What ThreadSanitizer notes of each byte is resident too: figures are not the program's. */
#ifdef __SANITIZE_THREAD__
enum { IS_FOR_RACES = 1 };
#else
enum { IS_FOR_RACES = 0 };
#endif

/* Within what the kernel's counters leave open. */
#define assert_near(bytes, expected) assert_within((bytes), (expected), __FILE__, __LINE__)

static inline void assert_within(int64_t bytes, int64_t expected, const char *file,
                                 int line)
{
    if (IS_FOR_RACES)
        return;
    if (bytes < expected - 2 * MIB || bytes > expected + 2 * MIB)
        print_error("%lld bytes, expected %lld\n", (long long)bytes, (long long)expected);
    _assert_true(bytes >= expected - 2 * MIB && bytes <= expected + 2 * MIB, "is near",
                 file, line);
}

#endif
