/* Threads that never touch Python: named, holding so many MiB each, started in every way. Loaded
 * with ctypes. With -DEAGER the first waits since the object was loaded. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>

static pthread_t waiting;
static sem_t wanted;
static long asked;
static pthread_key_t key;

int start_chain(long length);

static void keep(long mib)
{
    void *volatile block = malloc((size_t)mib << 20);
    (void)block;
}

static void *hold(void *mib)
{
    pthread_setname_np(pthread_self(), "pool");
    keep((long)mib);
    return NULL;
}

/* 0, or the error of pthread_create(3). */
static int run(const pthread_attr_t *how, void *(*body)(void *), long mib)
{
    pthread_t thread;
    int failed = pthread_create(&thread, how, body, (void *)mib);
    return failed ? failed : pthread_join(thread, NULL);
}

int start(long mib)
{
    return run(NULL, hold, mib);
}

static void *start_another(void *mib)
{
    pthread_setname_np(pthread_self(), "outer");
    start((long)mib);
    return NULL;
}

int start_nested(long mib)
{
    return run(NULL, start_another, mib);
}

static void *start_the_next(void *left)
{
    if (left)
        start_chain((long)left - 1);
    keep(1);
    return NULL;
}

/* Each thread starts the next. */
int start_chain(long length)
{
    return run(NULL, start_the_next, length);
}

int start_on_a_small_stack(long mib)
{
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN);
    return run(&small, hold, mib);
}

/* Fails after libc has made the thread, when the kernel is asked. */
int start_on_no_processor(void)
{
    cpu_set_t none;
    pthread_attr_t bad;
    CPU_ZERO(&none);
    CPU_SET(CPU_SETSIZE - 1, &none);
    pthread_attr_init(&bad);
    pthread_attr_setaffinity_np(&bad, sizeof none, &none);
    return run(&bad, hold, 1);
}

/* Fails before. */
int start_on_too_large_a_stack(void)
{
    pthread_attr_t large;
    pthread_attr_init(&large);
    pthread_attr_setstacksize(&large, (size_t)1 << 47);
    return run(&large, hold, 1);
}

static void *wait_until_asked(void *ignored)
{
    (void)ignored;
    pthread_setname_np(pthread_self(), "waiting");
    sem_wait(&wanted);
    keep(asked);
    return NULL;
}

int start_waiting(void)
{
    sem_init(&wanted, 0, 0);
    return pthread_create(&waiting, NULL, wait_until_asked, NULL);
}

int ask(long mib)
{
    asked = mib;
    sem_post(&wanted);
    return pthread_join(waiting, NULL);
}

static void *take_and_give(void *ignored)
{
    void *volatile block = malloc(1000);
    free(block);
    return ignored;
}

static void keep_at_end(void *mib)
{
    keep((long)mib);
}

static void *leave(void *mib)
{
    pthread_setname_np(pthread_self(), "leaving");
    take_and_give(NULL);
    pthread_setspecific(key, mib);
    pthread_exit(NULL);
}

/* Allocates in a destructor of its thread-specific data. */
int start_leaving(long mib)
{
    if (!key)
        pthread_key_create(&key, keep_at_end);
    return run(NULL, leave, mib);
}

int start_many(int count)
{
    pthread_t thread;
    int failed = 0;
    for (int i = 0; i < count && !failed; i++) {
        failed = pthread_create(&thread, NULL, take_and_give, NULL);
        failed = failed ? failed : pthread_join(thread, NULL);
    }
    return failed;
}

#ifdef EAGER
__attribute__((constructor)) static void load(void)
{
    start_waiting();
}
#endif
