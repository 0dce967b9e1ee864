#include "unit.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/lines/gate.h"

static struct mp_meter meter;
static struct mp_gate gate;

/* The gate of each kind; a ring only where the machine allows it. */
static int open_gate(enum mp_gate_kind kind)
{
    if (mp_meter_open(&meter, 0, MP_RSS))
        return -1;
    mp_gate_init(&gate, kind, &meter);
    return gate.kind == kind ? 0 : -1;
}

static void close_gate(void)
{
    mp_gate_release(&gate);
    mp_meter_release(&meter);
}

static void memory_that_this_thread_touches_is_seen_at_once(void **state)
{
    enum mp_gate_kind kind = *(enum mp_gate_kind *)*state;
    if (open_gate(kind))
        skip();
    for (int i = 0; i < 20; i++) {
        int64_t before = mp_gate_read(&gate);
        void *room = take_memory(8 * MIB);
        assert_near(mp_gate_read(&gate), before + 8 * MIB);
        give_back(room, 8 * MIB);
        usleep(100); /* past the patience: nothing faults when memory goes */
        assert_near(mp_gate_read(&gate), before);
    }
    close_gate();
}

static void *touch(void *room)
{
    memset(room, 1, 20 * MIB);
    return NULL;
}

static void what_another_thread_touches_is_seen_after_the_patience(void **state)
{
    enum mp_gate_kind kind = *(enum mp_gate_kind *)*state;
    if (open_gate(kind))
        skip();
    pthread_t thread;
    char *room =
        mmap(NULL, 20 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int64_t before = mp_gate_refresh(&gate);
    pthread_create(&thread, NULL, touch, room);
    pthread_join(thread, NULL);
    usleep(100);
    assert_near(mp_gate_read(&gate), before + 20 * MIB);
    give_back(room, 20 * MIB);
    close_gate();
}

static void a_closed_gate_does_not_read(void **state)
{
    enum mp_gate_kind kind = *(enum mp_gate_kind *)*state;
    if (open_gate(kind))
        skip();
    gate.patience = 0;
    mp_gate_refresh(&gate);
    mp_gate_read(&gate);
    gate.patience = UINT64_MAX; /* time does not open it: only faults may */
    mp_gate_refresh(&gate);
    gate.patience = UINT64_MAX;
    uint64_t reads = meter.reads;
    for (int i = 0; i < 1000; i++)
        mp_gate_read(&gate);
    if (kind == MP_GATE_NONE)
        assert_int_equal(meter.reads - reads, 1000);
    else
        assert_true(meter.reads - reads <= 5);
    close_gate();
}

static void a_forked_child_makes_its_own_gate(void **state)
{
    enum mp_gate_kind kind = *(enum mp_gate_kind *)*state;
    if (open_gate(kind))
        skip();
    int status;
    int64_t before = mp_gate_refresh(&gate);
    pid_t pid = fork();
    if (!pid) {
        mp_gate_read(&gate);
        int64_t start = mp_gate_read(&gate);
        take_memory(30 * MIB);
        int64_t grown = mp_gate_read(&gate) - start;
        _exit(grown > 28 * MIB && grown < 32 * MIB && gate.kind == kind ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_near(mp_gate_refresh(&gate), before);
    close_gate();
}

static void every_kind_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(mp_gate_name(MP_GATE_PERF), "page-fault ring");
    assert_string_equal(mp_gate_name(MP_GATE_RUSAGE), "rusage");
    assert_string_equal(mp_gate_name(MP_GATE_NONE), "none");
}

#define FOR_EACH_KIND(test)                              \
    {#test "[ring]", test, NULL, NULL, &kinds[0]},       \
        {#test "[rusage]", test, NULL, NULL, &kinds[1]}, \
    {                                                    \
#test "[none]", test, NULL, NULL, &kinds[2]      \
    }

int main(void)
{
    static enum mp_gate_kind kinds[] = {MP_GATE_PERF, MP_GATE_RUSAGE, MP_GATE_NONE};
    const struct CMUnitTest tests[] = {
        FOR_EACH_KIND(memory_that_this_thread_touches_is_seen_at_once),
        FOR_EACH_KIND(what_another_thread_touches_is_seen_after_the_patience),
        FOR_EACH_KIND(a_closed_gate_does_not_read),
        FOR_EACH_KIND(a_forked_child_makes_its_own_gate),
        cmocka_unit_test(every_kind_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
