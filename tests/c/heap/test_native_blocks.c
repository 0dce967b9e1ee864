/* What another object asks of malloc and mmap is reported, once and exactly. */
#include "unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/heap/native/state.h"
#include "native/model.h"
#include "native/plugin.h"

void free_sized(void *, size_t); /* of native/sized.c, or of a libc that has them */
void free_aligned_sized(void *, size_t, size_t);

static const struct plugin *plugin;
static void *old_block, *old_moved; /* of before the hooks */

#define assert_reported(before, calls, size)         \
    do {                                             \
        struct tally since = model_since(&(before)); \
        assert_int_equal(since.allocs, (calls));     \
        assert_int_equal(since.bytes, (size));       \
    } while (0)

static void gone(void *block, size_t size)
{
    struct tally before = model_tally;
    assert_int_equal(model_size(block), size);
    before = model_tally;
    plugin->free(block);
    struct tally since = model_since(&before);
    assert_int_equal(since.frees, 1);
    assert_int_equal(since.freed, size);
    assert_int_equal(since.unknown, 0);
    assert_int_equal(model_size(block), -1);
}

static void every_function_is_told_once_with_the_size_asked_for(void **state)
{
    (void)state;
    void *block[10] = {0};
    struct tally before = model_tally;
    block[0] = plugin->malloc(101);
    block[1] = plugin->calloc(3, 67);
    block[2] = plugin->realloc(NULL, 301);
    block[3] = plugin->reallocarray(NULL, 7, 43);
    block[4] = plugin->memalign(64, 303);
    block[5] = plugin->aligned_alloc(32, 320);
    int failed = plugin->posix_memalign(&block[6], 128, 305);
    block[7] = plugin->valloc(307);
    block[8] = plugin->pvalloc(309);
    block[9] = plugin->by_pointer(311);
    assert_reported(before, 10, 101 + 201 + 301 + 301 + 303 + 320 + 305 + 307 + 309 + 311);
    assert_int_equal(failed, 0);
    static const size_t sizes[] = {101, 201, 301, 301, 303, 320, 305, 307, 309, 311};
    for (size_t i = 0; i < 10; i++)
        gone(block[i], sizes[i]);
}

/* No object here calls them by itself, so they are looked up. */
static void frees_that_say_the_size_are_told_as_frees(void **state)
{
    (void)state;
    void (*sized)(void *, size_t) = plugin->dlsym(RTLD_DEFAULT, "free_sized");
    void (*aligned)(void *, size_t, size_t) =
        plugin->dlsym(RTLD_DEFAULT, "free_aligned_sized");
    assert_true(sized && sized != free_sized);
    assert_true(aligned && aligned != free_aligned_sized);
    void *first = plugin->malloc(501), *second = plugin->aligned_alloc(64, 640);
    struct tally before = model_tally;
    sized(first, 501);
    assert_int_equal(model_since(&before).frees, 1);
    assert_int_equal(model_since(&before).freed, 501);
    aligned(second, 64, 640);
    sized(NULL, 1);
    struct tally since = model_since(&before);
    assert_int_equal(since.frees, 2);
    assert_int_equal(since.freed, 501 + 640);
    assert_int_equal(since.unknown, 0);
}

static struct tally in_handler;

static void handle(int number)
{
    (void)number;
    struct tally before = model_tally;
    plugin->free(plugin->malloc(707));
    in_handler = model_since(&before);
}

static void faults_44_a_handler_that_interrupts_no_hook_is_reported(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = handle}, old;
    sigaction(SIGUSR1, &action, &old);
    raise(SIGUSR1);
    sigaction(SIGUSR1, &old, NULL);
    assert_int_equal(in_handler.bytes, 707);
    assert_int_equal(in_handler.freed, 707);
}

static void what_libc_allocates_for_its_caller_is_reported(void **state)
{
    (void)state;
    struct tally before = model_tally;
    char *copy = plugin->strdup("eleven char");
    assert_reported(before, 1, 12);
    gone(copy, 12);
}

static void faults_50_realloc_moves_grows_frees_and_fails(void **state)
{
    (void)state;
    void *block = plugin->malloc(100);
    struct tally before = model_tally;
    block = plugin->realloc(block, 200000);
    assert_reported(before, 1, 200000);
    assert_int_equal(model_since(&before).freed, 100);

    before = model_tally;
    void *none = plugin->realloc(block, (size_t)PTRDIFF_MAX);
    assert_int_equal(model_since(&before).put_back, 1);
    assert_reported(before, 0, 0);
    assert_null(none);
    assert_int_equal(model_size(block), 200000);

    before = model_tally;
    none = plugin->reallocarray(block, SIZE_MAX / 2, 4);
    assert_int_equal(model_since(&before).put_back, 1);
    assert_null(none);
    assert_int_equal(model_size(block), 200000);

    before = model_tally;
    none = plugin->realloc(block, 0);
    struct tally since = model_since(&before);
    assert_int_equal(since.frees, 1);
    assert_int_equal(since.allocs, none != NULL);
    if (none)
        gone(none, 0);
}

static void faults_50_failures_and_nothing_are_not_reported(void **state)
{
    (void)state;
    void *block = (void *)1;
    struct tally before = model_tally;
    plugin->free(NULL);
    void *none = plugin->calloc(SIZE_MAX / 2, 3);
    void *huge = plugin->malloc((size_t)PTRDIFF_MAX);
    int odd = plugin->posix_memalign(&block, 3, 10);
    struct tally since = model_since(&before);
    assert_int_equal(since.allocs + since.frees + since.unknown, 0);
    assert_true(!none && !huge && odd == EINVAL && block == (void *)1);
}

static void faults_50_errno_is_what_the_call_left(void **state)
{
    (void)state;
    errno = EXDEV;
    void *block = plugin->malloc(10);
    assert_int_equal(errno, EXDEV);
    block = plugin->realloc(block, 500000);
    assert_int_equal(errno, EXDEV);
    plugin->free(block);
    assert_int_equal(errno, EXDEV);
    assert_null(plugin->malloc((size_t)PTRDIFF_MAX));
    assert_int_equal(errno, ENOMEM);
    errno = 0;
    assert_int_equal(plugin->munmap((void *)1, 4096), -1);
    assert_int_equal(errno, EINVAL);
}

static void faults_50_blocks_of_nothing_are_blocks(void **state)
{
    (void)state;
    struct tally before = model_tally;
    void *block = plugin->malloc(0);
    assert_reported(before, 1, 0);
    gone(block, 0);
}

static void faults_43_blocks_from_before_the_hooks_can_be_freed_and_moved(void **state)
{
    (void)state;
    struct tally before = model_tally;
    plugin->free(old_block);
    void *moved = plugin->realloc(old_moved, 1 << 20);
    struct tally since = model_since(&before);
    assert_int_equal(since.unknown, 2);
    assert_int_equal(since.bytes, 1 << 20);
    gone(moved, 1 << 20);
}

static void what_a_python_allocator_asks_for_is_not_told_again(void **state)
{
    (void)state;
    struct tally before = model_tally;
    mp_native_mute();
    mp_native_mute();
    void *block = plugin->malloc(1000);
    mp_native_unmute();
    void *map = plugin->mmap(1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
    block = plugin->realloc(block, 2000);
    plugin->free(block);
    plugin->munmap(map, 1 << 20);
    mp_native_unmute();
    struct tally since = model_since(&before);
    assert_int_equal(since.allocs + since.frees + since.unknown + since.put_back, 0);
    assert_int_equal(since.maps + since.unmaps, 0);
    gone(plugin->malloc(11), 11);
}

static void our_own_calls_are_not_reported(void **state)
{
    (void)state;
    struct tally before = model_tally;
    void *volatile block = malloc(77);
    free(block);
    struct tally since = model_since(&before);
    assert_int_equal(since.allocs + since.frees + since.unknown, 0);
}

#define assert_mapped(before, bytes) \
    assert_int_equal(model_since(&(before)).mapped, (bytes))

static void mappings_count_while_they_can_hold_memory(void **state)
{
    (void)state;
    enum { PRIVATE = MAP_PRIVATE | MAP_ANONYMOUS };
    char *map = plugin->mmap(4 * MIB, PROT_READ | PROT_WRITE, PRIVATE);
    struct tally before = model_tally;
    before.mapped -= 4 * MIB;
    map = plugin->mremap(map, 4 * MIB, 40 * MIB);
    assert_mapped(before, 40 * MIB);
    plugin->madvise(map, 10 * MIB, MADV_DONTNEED);
    assert_mapped(before, 30 * MIB);
    plugin->mprotect(map + 20 * MIB, 5 * MIB, PROT_NONE);
    assert_mapped(before, 25 * MIB);
    plugin->munmap(map + 19 * MIB, 2 * MIB);
    assert_mapped(before, 24 * MIB);
    plugin->munmap(map, 40 * MIB);
    assert_mapped(before, 0);

    map = plugin->mmap(4096 * MIB, PROT_NONE, PRIVATE | MAP_NORESERVE);
    assert_mapped(before, 0);
    plugin->mprotect(map + MIB, MIB, PROT_READ | PROT_WRITE);
    assert_mapped(before, MIB);
    plugin->munmap(map, 4096 * MIB);
    assert_mapped(before, 0);
    struct tally since = model_since(&before);
    assert_int_equal(since.maps, 1);
    assert_int_equal(since.allocs, 0);

    map = plugin->mmap64(3 * MIB, PROT_READ, PRIVATE);
    assert_mapped(before, 3 * MIB);
    plugin->munmap(map, 3 * MIB);
    assert_mapped(before, 0);
}

static void the_break_counts_by_pages(void **state)
{
    (void)state;
    plugin->sbrk(1);
    struct tally before = model_tally;
    plugin->sbrk(3 * MIB);
    long grown = model_since(&before).mapped;
    plugin->sbrk(-3 * MIB);
    assert_int_equal(grown, 3 * MIB);
    assert_mapped(before, 0);
    char *end = plugin->sbrk(0);
    plugin->brk(end + 5 * MIB);
    grown = model_since(&before).mapped;
    plugin->brk(end);
    assert_int_equal(grown, 5 * MIB);
    assert_mapped(before, 0);
    plugin->sbrk(-1);
}

static void memory_that_malloc_takes_from_mmap_is_counted_once(void **state)
{
    (void)state;
    struct tally before = model_tally;
    void *block = plugin->malloc(64 * MIB);
    plugin->free(block);
    struct tally since = model_since(&before);
    assert_int_equal(since.allocs, 1);
    assert_int_equal(since.maps + since.unmaps, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_is_told_once_with_the_size_asked_for),
        cmocka_unit_test(frees_that_say_the_size_are_told_as_frees),
        cmocka_unit_test(faults_44_a_handler_that_interrupts_no_hook_is_reported),
        cmocka_unit_test(what_libc_allocates_for_its_caller_is_reported),
        cmocka_unit_test(faults_50_realloc_moves_grows_frees_and_fails),
        cmocka_unit_test(faults_50_failures_and_nothing_are_not_reported),
        cmocka_unit_test(faults_50_errno_is_what_the_call_left),
        cmocka_unit_test(faults_50_blocks_of_nothing_are_blocks),
        cmocka_unit_test(faults_43_blocks_from_before_the_hooks_can_be_freed_and_moved),
        cmocka_unit_test(what_a_python_allocator_asks_for_is_not_told_again),
        cmocka_unit_test(our_own_calls_are_not_reported),
        cmocka_unit_test(mappings_count_while_they_can_hold_memory),
        cmocka_unit_test(the_break_counts_by_pages),
        cmocka_unit_test(memory_that_malloc_takes_from_mmap_is_counted_once),
    };
    plugin = plugin_here();
    old_block = plugin->malloc(500);
    old_moved = plugin->malloc(600);
    model_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
