#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/process/meter.h"

static void rss_follows_memory_that_is_taken_and_given_back(void **state)
{
    (void)state;
    struct mp_meter meter;
    assert_int_equal(mp_meter_open(&meter, 0, MP_RSS), 0);
    int64_t before = mp_meter_read(&meter);
    assert_true(before > 0);
    void *room = take_memory(100 * MIB);
    assert_near(mp_meter_read(&meter), before + 100 * MIB);
    give_back(room, 100 * MIB);
    assert_near(mp_meter_read(&meter), before);
    assert_int_equal(meter.reads, 3);
    mp_meter_release(&meter);
}

static void pss_and_uss_are_at_most_rss(void **state)
{
    (void)state;
    struct mp_meter rss, pss, uss;
    assert_int_equal(mp_meter_open(&rss, 0, MP_RSS), 0);
    if (mp_meter_open(&pss, 0, MP_PSS) || mp_meter_open(&uss, 0, MP_USS))
        skip();
    int64_t all = mp_meter_read(&rss), shared = mp_meter_read(&pss),
            own = mp_meter_read(&uss);
    assert_true(own > 0 && own <= shared && shared <= all + MIB);
    mp_meter_release(&rss);
    mp_meter_release(&pss);
    mp_meter_release(&uss);
}

static void a_process_that_is_gone_is_esrch(void **state)
{
    (void)state;
    struct mp_meter meter;
    pid_t pid = fork();
    if (!pid)
        for (;;)
            pause();
    assert_int_equal(mp_meter_open(&meter, pid, MP_RSS), 0);
    assert_true(mp_meter_read(&meter) > 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(mp_meter_read(&meter), -1);
    assert_int_equal(errno, ESRCH);
    mp_meter_release(&meter);
    assert_int_equal(mp_meter_open(&meter, pid, MP_RSS), -1);
    assert_int_equal(errno, ESRCH);
    assert_int_equal(mp_meter_high_water(pid), -1);
}

static void a_forked_child_reads_itself(void **state)
{
    (void)state;
    struct mp_meter meter;
    int status;
    assert_int_equal(mp_meter_open(&meter, 0, MP_RSS), 0);
    int64_t before = mp_meter_read(&meter);
    pid_t pid = fork();
    if (!pid) {
        take_memory(300 * MIB);
        int64_t grown = mp_meter_read(&meter) - before;
        _exit(grown > 200 * MIB ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_near(mp_meter_read(&meter), before);
    mp_meter_release(&meter);
}

static void a_descriptor_that_was_closed_or_replaced_is_opened_again(void **state)
{
    (void)state;
    struct mp_meter meter;
    assert_int_equal(mp_meter_open(&meter, 0, MP_RSS), 0);
    int64_t before = mp_meter_read(&meter);
    close(meter.fd);
    assert_near(mp_meter_read(&meter), before);
    int other = open("/dev/zero", O_RDONLY), ours = meter.fd;
    dup2(other, ours);
    assert_near(mp_meter_read(&meter), before);
    assert_true(fcntl(ours, F_GETFD) >= 0); /* the program's now: not closed by us */
    close(other);
    close(ours);
    mp_meter_release(&meter);
}

static void a_full_descriptor_table_is_survived(void **state)
{
    (void)state;
    struct rlimit limit, low;
    struct mp_meter meter;
    getrlimit(RLIMIT_NOFILE, &limit);
    int free_one = open("/dev/null", O_RDONLY);
    low = limit;
    low.rlim_cur = (rlim_t)free_one;
    setrlimit(RLIMIT_NOFILE, &low);
    assert_int_equal(mp_meter_open(&meter, 0, MP_RSS), 0);
    assert_int_equal(mp_meter_read(&meter), -1);
    low.rlim_cur = (rlim_t)free_one + 2;
    setrlimit(RLIMIT_NOFILE, &low);
    assert_true(mp_meter_read(&meter) > 0);
    setrlimit(RLIMIT_NOFILE, &limit);
    mp_meter_release(&meter);
    close(free_one);
}

static void the_high_water_mark_remembers_and_is_reset(void **state)
{
    (void)state;
    int64_t before = mp_meter_high_water(0);
    assert_true(before > 0);
    spike(400 * MIB);
    assert_true(mp_meter_high_water(0) > 400 * MIB);
    if (mp_meter_reset_high_water(0))
        skip();
    assert_true(mp_meter_high_water(0) < 400 * MIB);
}

static void granularity_is_at_least_a_page(void **state)
{
    (void)state;
    int64_t grain = mp_meter_granularity();
    assert_true(grain >= sysconf(_SC_PAGESIZE) && grain <= 512 * sysconf(_SC_PAGESIZE) * 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rss_follows_memory_that_is_taken_and_given_back),
        cmocka_unit_test(pss_and_uss_are_at_most_rss),
        cmocka_unit_test(a_process_that_is_gone_is_esrch),
        cmocka_unit_test(a_forked_child_reads_itself),
        cmocka_unit_test(a_descriptor_that_was_closed_or_replaced_is_opened_again),
        cmocka_unit_test(a_full_descriptor_table_is_survived),
        cmocka_unit_test(the_high_water_mark_remembers_and_is_reset),
        cmocka_unit_test(granularity_is_at_least_a_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
