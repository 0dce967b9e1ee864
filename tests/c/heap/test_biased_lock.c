/* One thread at a time under the biased lock, whoever comes how often. */
#include "unit.h"

#include <pthread.h>

#include "capture/heap/accounting/biased_lock.h"

enum { OTHERS = 4 };

struct shared {
    struct mp_biased_lock lock;
    uint64_t counter, a_copy; /* written by two stores: never seen different */
    uint64_t torn, rounds, each;
    bool rare;
};

static void write_both(struct shared *shared)
{
    shared->torn += shared->counter != shared->a_copy;
    shared->counter++;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    shared->a_copy++;
}

static void *come_as_other(void *of)
{
    struct shared *shared = of;
    for (uint64_t i = 0; i < shared->each; i++) {
        enum mp_biased_lock_way way = mp_biased_lock_enter_other(&shared->lock);
        write_both(shared);
        mp_biased_lock_leave(&shared->lock, way);
        for (unsigned wait = 0; shared->rare && wait < 200; wait++)
            sched_yield();
    }
    return NULL;
}

static void run(struct shared *shared)
{
    pthread_t threads[OTHERS];
    mp_biased_lock_init(&shared->lock);
    for (int i = 0; i < OTHERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_as_other, shared), 0);
    for (uint64_t i = 0; i < shared->rounds; i++) {
        enum mp_biased_lock_way way = mp_biased_lock_enter(&shared->lock);
        write_both(shared);
        mp_biased_lock_leave(&shared->lock, way);
    }
    for (int i = 0; i < OTHERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(shared->torn, 0);
    assert_int_equal(shared->counter, shared->rounds + OTHERS * shared->each);
    assert_int_equal(shared->a_copy, shared->counter);
}

static void others_that_come_often_lose_no_count(void **state)
{
    (void)state;
    struct shared shared = {.each = 100000, .rounds = 1000000};
    run(&shared);
}

static void others_that_come_now_and_then_lose_no_count(void **state)
{
    (void)state;
    struct shared shared = {.each = 500, .rounds = 3000000, .rare = true};
    run(&shared);
}

static void without_others_the_owner_comes_its_quick_way_again(void **state)
{
    (void)state;
    struct shared shared = {.each = 1000, .rounds = 0};
    run(&shared);
    enum mp_biased_lock_way way = MP_BIASED_LOCK_OTHER;
    for (int i = 0; i < 10000; i++) {
        way = mp_biased_lock_enter(&shared.lock);
        mp_biased_lock_leave(&shared.lock, way);
    }
    assert_int_equal(way, MP_BIASED_LOCK_OWNER);
    assert_int_equal(shared.lock.wanted, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_that_come_often_lose_no_count),
        cmocka_unit_test(others_that_come_now_and_then_lose_no_count),
        cmocka_unit_test(without_others_the_owner_comes_its_quick_way_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
