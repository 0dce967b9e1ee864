/* The native hooks among threads, signals, forks and objects that come and go. */
#include "unit.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "native/model.h"
#include "native/plugin.h"

#ifndef STRESS
#define STRESS 1 /* tests/stress does more of everything */
#endif

enum {
    THREADS = 4,
    SLOTS = 512,
    ROUNDS = 100000 * STRESS,
    MAPS = 20000 * STRESS,
    SIGNALS = 2000 * STRESS,
    FORKS = 40 * STRESS,
    LOADS = 150 * STRESS,
};

static const struct plugin *plugin;
static int is_over;

/* Blocks that any thread may take out and free. */
static void *shelf[SLOTS];

static bool goes_on(void)
{
    return !__atomic_load_n(&is_over, __ATOMIC_ACQUIRE);
}

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

static void *block_of(uint32_t random, size_t size, void *from)
{
    switch (random % 4) {
    case 0:
        plugin->free(from);
        return plugin->malloc(size);
    case 1:
        plugin->free(from);
        return plugin->calloc(1, size);
    case 2:
        plugin->free(from);
        return plugin->memalign(64, size);
    default:
        return plugin->realloc(from, size);
    }
}

/* What a thread did, and whether it was reported just that. */
struct work {
    uint32_t random;
    bool agrees;
};

static void *torture(void *context)
{
    struct work *work = context;
    struct tally before = model_tally;
    long allocs = 0, bytes = 0;
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t random = next_random(&work->random);
        size_t size = random % 2000 + 1;
        void **slot = &shelf[random / 2000 % SLOTS];
        void *block = __atomic_exchange_n(slot, NULL, __ATOMIC_ACQ_REL);
        block = block_of(random >> 20, size, block);
        allocs++;
        bytes += (long)size;
        block = __atomic_exchange_n(slot, block, __ATOMIC_ACQ_REL);
        plugin->free(block);
    }
    struct tally since = model_since(&before);
    work->agrees = since.allocs == allocs && since.bytes == bytes && !since.unknown;
    return NULL;
}

static void run(pthread_t *threads, int count, void *(*body)(void *), struct work *work)
{
    for (int i = 0; i < count; i++) {
        work[i] = (struct work){.random = 2463534242u + (uint32_t)i};
        assert_int_equal(pthread_create(&threads[i], NULL, body, &work[i]), 0);
    }
}

static void finish(pthread_t *threads, int count, const struct work *work)
{
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        assert_true(work[i].agrees);
    }
}

static void
faults_50_threads_that_free_each_others_blocks_agree_with_the_model(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct work work[THREADS];
    long live = model_live();
    run(threads, THREADS, torture, work);
    finish(threads, THREADS, work);
    for (int i = 0; i < SLOTS; i++)
        plugin->free(shelf[i]);
    memset(shelf, 0, sizeof shelf);
    assert_int_equal(model_live(), live);
    assert_int_equal(model_mistakes(), 0);
}

/* Any thread's next mapping may be where another's was. */
static void *map_and_unmap(void *context)
{
    struct work *work = context;
    void *maps[8] = {0};
    work->agrees = true;
    for (int i = 0; i < MAPS; i++) {
        uint32_t random = next_random(&work->random);
        void **map = &maps[random % 8];
        if (*map)
            plugin->munmap(*map, 16384);
        *map = plugin->mmap(16384, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
    }
    for (int i = 0; i < 8; i++)
        plugin->munmap(maps[i], 16384);
    return NULL;
}

/* Bytes mapped by all threads; the others do nothing meanwhile. */
static long mapped(void)
{
    plugin->munmap(plugin->mmap(4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS), 4096);
    return model_tally.mapped;
}

static void mappings_of_threads_are_told_in_the_kernels_order(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct work work[THREADS];
    long before = mapped();
    run(threads, THREADS, map_and_unmap, work);
    finish(threads, THREADS, work);
    assert_int_equal(mapped(), before);
}

static pthread_key_t key;
static struct tally in_destructor;

static void destroy(void *block)
{
    struct tally before = model_tally;
    plugin->free(block);
    plugin->free(plugin->malloc(555));
    in_destructor = model_since(&before);
}

static void *leave_a_block(void *context)
{
    pthread_setspecific(key, plugin->malloc(444));
    return context;
}

static void faults_43_a_threads_destructor_is_followed(void **state)
{
    (void)state;
    pthread_t thread;
    pthread_key_create(&key, destroy);
    assert_int_equal(pthread_create(&thread, NULL, leave_a_block, NULL), 0);
    pthread_join(thread, NULL);
    pthread_key_delete(key);
    assert_int_equal(in_destructor.bytes, 555);
    assert_int_equal(in_destructor.freed, 444 + 555);
}

static volatile sig_atomic_t is_in_malloc, handled;

/* mmap may be called at any moment; malloc only where it was not interrupted itself. */
static void on_signal(int signal)
{
    (void)signal;
    void *map = plugin->mmap(8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
    if (!is_in_malloc)
        plugin->free(plugin->malloc(77));
    plugin->munmap(map, 8192);
    handled++;
}

static void faults_44_a_handler_that_allocates_stops_nothing(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, old;
    struct itimerspec every = {{0, 100000}, {0, 100000}}, never = {0};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF};
    timer_t timer;
    sigaction(SIGPROF, &action, &old);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    timer_settime(timer, 0, &every, NULL);
    while (handled < SIGNALS) {
        is_in_malloc = 1;
        void *block = plugin->malloc(100);
        is_in_malloc = 0;
        void *map = plugin->mmap(4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
        plugin->munmap(map, 4096);
        is_in_malloc = 1;
        plugin->free(block);
        is_in_malloc = 0;
    }
    timer_settime(timer, 0, &never, NULL);
    timer_delete(timer);
    sigaction(SIGPROF, &old, NULL);
    assert_int_equal(model_mistakes(), 0);
}

static void *allocate_and_map(void *context)
{
    struct work *work = context;
    work->agrees = true;
    while (goes_on()) {
        void *map = plugin->mmap(8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
        plugin->free(plugin->malloc(next_random(&work->random) % 3000));
        plugin->munmap(map, 8192);
    }
    return NULL;
}

static void child(void)
{
    model_forked();
    struct tally before = model_tally;
    void *map = plugin->mmap(8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
    plugin->munmap(map, 8192);
    plugin->free(plugin->malloc(123));
    struct tally since = model_since(&before);
    _exit(since.bytes != 123 || since.freed != 123 || since.maps != 1 || since.unmaps != 1);
}

static void a_child_of_a_process_whose_threads_allocate_goes_on(void **state)
{
    (void)state;
    pthread_t threads[2];
    struct work work[2];
    is_over = 0;
    run(threads, 2, allocate_and_map, work);
    for (int i = 0; i < FORKS; i++) {
        int status;
        pid_t pid = fork();
        if (!pid)
            child();
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
    finish(threads, 2, work);
}

/* Loads, looks up, calls, unloads: every object is followed by the time it can be called. */
static void *load_and_unload(void *name)
{
    char path[4096];
    long missed = 0;
    snprintf(path, sizeof path, "%s/lib%s.so", getenv("MP_PLUGINS"), (const char *)name);
    for (int i = 0; i < LOADS; i++) {
        void *handle = plugin->dlopen(path, i % 2 ? RTLD_NOW : RTLD_LAZY);
        const struct plugin *(*here)(void) = plugin->dlsym(handle, "plugin_here");
        struct tally before = model_tally;
        here()->free(here()->malloc(99));
        here()->free(here()->constructed);
        missed += model_since(&before).bytes != 99;
        dlclose(handle);
    }
    return (void *)missed;
}

static int allocate_in_walk(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)info, (void)size, (void)context;
    plugin->free(plugin->malloc(10));
    return 0;
}

static void *walk_objects(void *context)
{
    struct work *work = context;
    work->agrees = true;
    while (goes_on())
        dl_iterate_phdr(allocate_in_walk, NULL);
    return NULL;
}

static void faults_46_objects_come_and_go_while_threads_allocate(void **state)
{
    (void)state;
    static char *names[] = {"native_now", "native_lazy"};
    pthread_t loaders[2], walker, other;
    struct work work[2];
    is_over = 0;
    run(&walker, 1, walk_objects, &work[0]);
    run(&other, 1, allocate_and_map, &work[1]);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&loaders[i], NULL, load_and_unload, names[i]), 0);
    for (int i = 0; i < 2; i++) {
        void *missed;
        pthread_join(loaders[i], &missed);
        assert_null(missed);
    }
    __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
    finish(&walker, 1, &work[0]);
    finish(&other, 1, &work[1]);
    assert_int_equal(model_mistakes(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            faults_50_threads_that_free_each_others_blocks_agree_with_the_model),
        cmocka_unit_test(mappings_of_threads_are_told_in_the_kernels_order),
        cmocka_unit_test(faults_43_a_threads_destructor_is_followed),
        cmocka_unit_test(faults_44_a_handler_that_allocates_stops_nothing),
        cmocka_unit_test(a_child_of_a_process_whose_threads_allocate_goes_on),
        cmocka_unit_test(faults_46_objects_come_and_go_while_threads_allocate),
    };
    plugin = plugin_here();
    model_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
