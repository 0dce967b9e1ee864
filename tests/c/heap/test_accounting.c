/* The accounts of a heap that several threads write under the biased lock: no figure is lost, and with
 * ThreadSanitizer (make check) no access to them is outside of it. */
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>

#include "capture/heap/accounting/biased_lock.h"
#include "capture/heap/accounting/ledger.h"
#include "store/heap/file.h"

enum {
    OWNERS = 2, /* take turns at the interpreter's lock */
    OTHERS = 3,
    THREADS = OWNERS + OTHERS,
    SLOTS = 64,
    STACKS = 2000, /* more than a chunk of nodes */
    ROUNDS = 20000,
};

struct accounts {
    struct mp_biased_lock lock;
    struct mp_heap_file file;
    struct mp_ledger ledger;
    pthread_mutex_t interpreter;
};

struct writer {
    struct accounts *accounts;
    uint32_t number, random;
    int64_t live, total;
    size_t sizes[SLOTS];
    pthread_t thread;
};

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

static void write_once(struct writer *writer, struct mp_heap_thread *row)
{
    struct mp_ledger *ledger = &writer->accounts->ledger;
    uint32_t slot = next_random(&writer->random) % SLOTS;
    uintptr_t address = (uintptr_t)(writer->number + 1) << 24 | slot << 16;
    if (writer->sizes[slot]) {
        struct mp_block block = mp_shadow_take(&ledger->shadow, address);
        mp_ledger_remove(ledger, row, address, &block, 0);
        writer->live -= (int64_t)writer->sizes[slot];
    }
    size_t size = next_random(&writer->random) % 60000 + 1;
    uint32_t at = next_random(&writer->random) % STACKS;
    mp_ledger_add(ledger, row, address, size,
                  mp_stacks_child(&ledger->stacks, 0, 0, at, MP_HEAP_FOR_LINES),
                  MP_SHADOW_ANYWHERE);
    writer->sizes[slot] = size;
    writer->live += (int64_t)size;
    writer->total += (int64_t)size;
}

static enum mp_biased_lock_way enter(struct writer *writer)
{
    if (writer->number >= OWNERS)
        return mp_biased_lock_enter_other(&writer->accounts->lock);
    pthread_mutex_lock(&writer->accounts->interpreter);
    return mp_biased_lock_enter(&writer->accounts->lock);
}

static void leave(struct writer *writer, enum mp_biased_lock_way way)
{
    mp_biased_lock_leave(&writer->accounts->lock, way);
    if (writer->number < OWNERS)
        pthread_mutex_unlock(&writer->accounts->interpreter);
}

static void *write_accounts(void *self)
{
    struct writer *writer = self;
    for (int i = 0; i < ROUNDS; i++) {
        enum mp_biased_lock_way way = enter(writer);
        write_once(writer, &writer->accounts->file.heap.threads[0]);
        leave(writer, way);
        if (writer->number >= OWNERS && i % 64 < 32)
            sched_yield(); /* now seldom, now often: the lock leans and stands */
    }
    return NULL;
}

static void check(struct accounts *accounts, const struct writer writers[THREADS])
{
    const struct mp_heap *heap = &accounts->file.heap;
    int64_t live = 0, total = 0, nodes_live = 0, nodes_total = 0;
    for (int i = 0; i < THREADS; i++) {
        live += writers[i].live;
        total += writers[i].total;
    }
    for (uint64_t i = 0; i < heap->header->counts[MP_HEAP_NODES]; i++) {
        nodes_live += heap->nodes[i].live;
        nodes_total += (int64_t)heap->nodes[i].total;
    }
    assert_int_equal(heap->header->live, live);
    assert_int_equal(nodes_live, live);
    assert_int_equal(nodes_total, total);
    assert_int_equal(heap->threads[0].allocated, total);
    assert_int_equal(heap->threads[0].blocks, (uint64_t)THREADS * ROUNDS);
    assert_int_equal(heap->header->counts[MP_HEAP_NODES], STACKS + 1);
    assert_int_equal(heap->header->untracked, 0);
}

static void write_among_threads(bool fences)
{
    static struct writer writers[THREADS];
    struct accounts accounts = {.interpreter = PTHREAD_MUTEX_INITIALIZER};
    mp_biased_lock_init(&accounts.lock);
    accounts.lock.fences = accounts.lock.fences || fences;
    assert_int_equal(mp_heap_file_open(&accounts.file, -1, NULL, 0), 0);
    assert_int_equal(mp_ledger_init(&accounts.ledger, &accounts.file.heap, NULL), 0);
    for (uint32_t i = 0; i < THREADS; i++) {
        writers[i] =
            (struct writer){.accounts = &accounts, .number = i, .random = 2463534242u + i};
        assert_int_equal(
            pthread_create(&writers[i].thread, NULL, write_accounts, &writers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(writers[i].thread, NULL);
    check(&accounts, writers);
    mp_ledger_release(&accounts.ledger);
    mp_heap_file_release(&accounts.file);
}

static void faults_42_what_threads_write_in_turn_adds_up(void **state)
{
    (void)state;
    write_among_threads(false);
}

static void faults_42_it_adds_up_where_the_kernel_has_no_membarrier(void **state)
{
    (void)state;
    write_among_threads(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_42_what_threads_write_in_turn_adds_up),
        cmocka_unit_test(faults_42_it_adds_up_where_the_kernel_has_no_membarrier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
