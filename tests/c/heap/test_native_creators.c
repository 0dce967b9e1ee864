/* What a new thread finds of its creator, in every way to create one. */
#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "capture/heap/native/creation.h"
#include "capture/heap/native/patch.h"
#include "native/model.h"

enum { MANY = 1000, RINGS = 3 };

static void *look(void *creation)
{
    *(struct mp_native_creation *)creation = mp_native_creation;
    return NULL;
}

static struct mp_native_creation born(const pthread_attr_t *how)
{
    struct mp_native_creation creation = {0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, how, look, &creation), 0);
    pthread_join(thread, NULL);
    return creation;
}

static void assert_is_mine(struct mp_native_creation creation)
{
    assert_int_equal(creation.stack, gettid());
    assert_int_equal(creation.session, 1);
}

static void a_thread_finds_who_created_it(void **state)
{
    (void)state;
    assert_is_mine(born(NULL));
    assert_int_equal(mp_native_creation.session, 0);
}

static void *create_another(void *creation)
{
    pid_t here = gettid();
    *(struct mp_native_creation *)creation = born(NULL);
    return (void *)(intptr_t)here;
}

static void a_thread_that_is_no_longer_new_creates_others(void **state)
{
    (void)state;
    struct mp_native_creation creation = {0};
    pthread_t thread;
    void *creator;
    assert_int_equal(pthread_create(&thread, NULL, create_another, &creation), 0);
    pthread_join(thread, &creator);
    assert_int_equal(creation.stack, (intptr_t)creator);
    assert_int_not_equal(creation.stack, gettid());
}

/* libc gives a new thread the storage of one that has ended. */
static void threads_in_used_storage_find_nothing_of_those_before(void **state)
{
    (void)state;
    struct tally before = model_tally;
    for (int i = 0; i < MANY; i++)
        assert_is_mine(born(NULL));
    assert_int_equal(model_since(&before).creates, MANY);
    assert_int_equal(model_mistakes(), 0);
}

static void the_smallest_stack_and_one_of_the_programs_own_will_do(void **state)
{
    (void)state;
    size_t size = (size_t)PTHREAD_STACK_MIN * 2;
    void *own = aligned_alloc(4096, size);
    pthread_attr_t how;
    pthread_attr_init(&how);
    pthread_attr_setstacksize(&how, (size_t)PTHREAD_STACK_MIN);
    assert_is_mine(born(&how));
    pthread_attr_setstack(&how, own, size);
    assert_is_mine(born(&how));
    pthread_attr_destroy(&how);
    free(own);
}

static void a_thread_that_cannot_be_created_is_refused_as_before(void **state)
{
    (void)state;
    cpu_set_t none;
    pthread_t thread;
    pthread_attr_t how;
    CPU_ZERO(&none);
    CPU_SET(CPU_SETSIZE - 1, &none);
    pthread_attr_init(&how);
    pthread_attr_setaffinity_np(&how, sizeof none, &none);
    errno = ENOTTY;
    assert_int_equal(pthread_create(&thread, &how, look, NULL), EINVAL);
    pthread_attr_destroy(&how);
    pthread_attr_init(&how);
    pthread_attr_setstacksize(&how, (size_t)1 << 47);
    assert_int_equal(pthread_create(&thread, &how, look, NULL), EAGAIN);
    pthread_attr_destroy(&how);
    assert_is_mine(born(NULL));
}

static int look_as_c11(void *creation)
{
    look(creation);
    return 0;
}

static void threads_of_c11_find_it_too(void **state)
{
    (void)state;
    struct mp_native_creation creation = {0};
    thrd_t thread;
    assert_int_equal(thrd_create(&thread, look_as_c11, &creation), thrd_success);
    thrd_join(thread, NULL);
    assert_is_mine(creation);
}

static struct {
    struct mp_native_creation creation;
    pid_t thread;
} rung[RINGS];
static sem_t rings;
static int ring_count;

static void ring(union sigval ignored)
{
    (void)ignored;
    int i = __atomic_fetch_add(&ring_count, 1, __ATOMIC_RELAXED);
    if (i < RINGS) {
        rung[i].creation = mp_native_creation;
        rung[i].thread = gettid();
    }
    sem_post(&rings);
}

static void a_timers_thread_was_created_by_another(void **state)
{
    (void)state;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = ring};
    struct itimerspec soon = {{0, 1000000}, {0, 1000000}};
    timer_t timer;
    sem_init(&rings, 0, 0);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    timer_settime(timer, 0, &soon, NULL);
    for (int i = 0; i < RINGS; i++)
        while (sem_wait(&rings))
            continue;
    timer_delete(timer);
    for (int i = 0; i < RINGS; i++) {
        assert_int_equal(rung[i].creation.session, 1);
        assert_int_not_equal(rung[i].creation.stack, rung[i].thread);
    }
}

static void faults_39_a_child_creates_its_own(void **state)
{
    (void)state;
    int status;
    pid_t pid = fork();
    if (!pid) {
        model_forked();
        struct mp_native_creation creation = born(NULL);
        _exit(creation.stack != (uint32_t)gettid());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

typedef void *allocate(void *thread, long how);

static void *make_storage_as_new(void *creation)
{
    const struct mp_patch *patch = mp_patch_find("_dl_allocate_tls_init");
    if (*patch->original)
        ((allocate *)patch->replacement)(__builtin_thread_pointer(), 1);
    return look(creation);
}

static void a_thread_that_makes_its_storage_as_new_keeps_its_creator(void **state)
{
    (void)state;
    struct mp_native_creation creation = {0};
    struct tally before = model_tally;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, make_storage_as_new, &creation), 0);
    pthread_join(thread, NULL);
    assert_is_mine(creation);
    assert_int_equal(model_since(&before).creates, 1);
}

static sem_t installed;
static pthread_t old;

static void *look_later(void *creation)
{
    sem_wait(&installed);
    return look(creation);
}

static void a_thread_from_before_the_hooks_finds_nothing(void **state)
{
    sem_post(&installed);
    pthread_join(old, NULL);
    const struct mp_native_creation *creation = *state;
    assert_int_equal(creation->stack, 0);
    assert_int_equal(creation->session, 0);
}

int main(void)
{
    static struct mp_native_creation olds = {9, 9};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(a_thread_from_before_the_hooks_finds_nothing, &olds),
        cmocka_unit_test(a_thread_finds_who_created_it),
        cmocka_unit_test(a_thread_that_is_no_longer_new_creates_others),
        cmocka_unit_test(threads_in_used_storage_find_nothing_of_those_before),
        cmocka_unit_test(the_smallest_stack_and_one_of_the_programs_own_will_do),
        cmocka_unit_test(a_thread_that_cannot_be_created_is_refused_as_before),
        cmocka_unit_test(threads_of_c11_find_it_too),
        cmocka_unit_test(a_timers_thread_was_created_by_another),
        cmocka_unit_test(a_thread_that_makes_its_storage_as_new_keeps_its_creator),
        cmocka_unit_test(faults_39_a_child_creates_its_own),
    };
    sem_init(&installed, 0, 0);
    if (pthread_create(&old, NULL, look_later, &olds))
        return 1;
    model_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
