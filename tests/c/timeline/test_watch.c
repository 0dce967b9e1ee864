/* Watching other processes: trees, marks, identity; and opening outputs. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/output.h"
#include "capture/timeline/sampler.h"

/* A child that does `work` each time it is told to, and says when it is done. */
struct helper {
    pid_t pid;
    int tell, hear;
};

static struct helper start(void (*work)(void))
{
    int down[2], up[2];
    char byte;
    assert_int_equal(pipe(down), 0);
    assert_int_equal(pipe(up), 0);
    struct helper helper = {fork(), down[1], up[0]};
    if (helper.pid == 0) {
        close(down[1]);
        while (read(down[0], &byte, 1) == 1) {
            work();
            if (write(up[1], "", 1) != 1)
                break;
        }
        _exit(0);
    }
    close(down[0]);
    close(up[1]);
    return helper;
}

static void once(struct helper *helper)
{
    char byte;
    assert_int_equal(write(helper->tell, "", 1), 1);
    assert_int_equal(read(helper->hear, &byte, 1), 1);
}

static void stop(struct helper *helper)
{
    close(helper->tell);
    close(helper->hear);
    kill(helper->pid, SIGKILL);
    waitpid(helper->pid, NULL, 0);
}

static void spike_once(void)
{
    spike(64 * MIB);
}

static void fork_a_sleeper(void)
{
    if (fork() == 0) {
        take_memory(8 * MIB);
        pause();
    }
}

static void a_spike_between_two_rounds_is_seen_every_time(void **state)
{
    (void)state;
    struct helper helper = start(spike_once);
    struct mp_process process;
    once(&helper); /* the first use of the heap is over */
    assert_int_equal(mp_process_open(&process, helper.pid, MP_RSS, MP_MARKS_OWN), 0);
    int64_t from, before = mp_process_read(&process);
    mp_process_look(&process, 1, &from);
    for (int i = 0; i < 20; i++) {
        once(&helper);
        assert_near(mp_process_read(&process), before);
        assert_near(mp_process_look(&process, i + 2, &from), before + 64 * MIB);
        assert_int_equal(from, i + 1);
        assert_true(mp_process_look(&process, i + 2, &from) < before + 8 * MIB);
    }
    mp_process_release(&process);
    stop(&helper);
}

static void a_mark_that_is_not_ours_is_never_reset(void **state)
{
    (void)state;
    struct helper helper = start(spike_once);
    struct mp_process process;
    int64_t from;
    once(&helper);
    int64_t record = mp_meter_high_water(helper.pid);
    assert_int_equal(mp_process_open(&process, helper.pid, MP_RSS, MP_MARKS_WATCH), 0);
    mp_process_read(&process);
    assert_int_equal(mp_process_look(&process, 1, &from), -1);
    mp_process_read(&process);
    mp_process_look(&process, 2, &from);
    assert_int_equal(mp_meter_high_water(helper.pid), record);
    mp_process_release(&process);
    stop(&helper);
}

static void a_tree_is_listed_only_when_a_process_was_born(void **state)
{
    (void)state;
    struct helper helper = start(fork_a_sleeper);
    struct mp_sampler sampler;
    struct mp_round round;
    struct mp_sampler_options options = {.metric = MP_RSS, .children = true, .sum = true};
    assert_int_equal(mp_sampler_init(&sampler, helper.pid, &options), 0);
    if (sampler.loadavg < 0)
        skip();
    assert_int_equal(mp_sampler_round(&sampler, &round), 0);
    assert_int_equal(mp_sampler_round(&sampler, &round), 0);
    int64_t alone = round.total.bytes;
    uint64_t lists = sampler.lists, reads = sampler.root.meter.reads;
    sampler.next_listing = INT64_MAX;
    for (int i = 0; i < 5; i++)
        assert_int_equal(mp_sampler_round(&sampler, &round), 0);
    assert_int_equal(sampler.root.meter.reads, reads + 5);
    assert_true(sampler.lists <= lists + 1); /* others on this machine may fork */
    once(&helper);
    while (round.total.bytes < alone + 8 * MIB)
        assert_int_equal(mp_sampler_round(&sampler, &round), 0);
    assert_int_equal(round.reading_count, 1);
    pid_t sleeper = round.readings[0].pid;
    kill(helper.pid, SIGKILL);
    while (!mp_sampler_round(&sampler, &round))
        ;
    assert_int_equal(errno, ESRCH);
    kill(sleeper, SIGKILL);
    mp_sampler_release(&sampler);
    stop(&helper);
}

static void faults_30_what_is_not_there_cannot_be_watched(void **state)
{
    (void)state;
    struct mp_process process;
    pid_t zombie = fork();
    if (zombie == 0)
        _exit(0);
    siginfo_t info;
    waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT);
    assert_int_equal(mp_process_open(&process, zombie, MP_RSS, MP_MARKS_NONE), -1);
    assert_int_equal(errno, ESRCH);
    waitpid(zombie, NULL, 0);
    assert_int_equal(mp_process_open(&process, zombie, MP_RSS, MP_MARKS_NONE), -1);
    assert_int_equal(errno, ESRCH);
}

static void faults_33_a_reader_stays_with_the_process_it_opened(void **state)
{
    (void)state;
    struct helper helper = start(spike_once);
    struct mp_process process;
    assert_int_equal(mp_process_open(&process, helper.pid, MP_USS, MP_MARKS_NONE), 0);
    assert_true(mp_process_read(&process) > 0);
    assert_int_equal(process.start, mp_process_start_time(helper.pid));
    process.start--; /* as if the number now belonged to a later process */
    close(process.meter.fd);
    process.meter.fd = open("/proc/self/oom_score", O_RDONLY | O_CLOEXEC);
    stop(&helper);
    assert_int_equal(mp_process_read(&process), -1);
    mp_process_release(&process);
}

static void fork_events_count_children_nobody_read(void **state)
{
    (void)state;
    struct helper helper = start(fork_a_sleeper);
    struct mp_sampler sampler;
    struct mp_round round;
    struct mp_sampler_options options = {
        .metric = MP_RSS, .children = true, .fork_events = true};
    assert_int_equal(mp_sampler_init(&sampler, helper.pid, &options), 0);
    if (!sampler.fork_events.count)
        skip(); /* perf events are forbidden here */
    assert_int_equal(mp_sampler_round(&sampler, &round), 0);
    for (int i = 0; i < 3; i++)
        once(&helper);
    assert_int_equal(mp_sampler_unsampled(&sampler), 3);
    sampler.next_listing = 0;
    assert_int_equal(mp_sampler_round(&sampler, &round), 0);
    assert_int_equal(mp_sampler_unsampled(&sampler), 0);
    for (size_t i = 0; i < sampler.count; i++)
        kill(sampler.children[i].pid, SIGKILL);
    mp_sampler_release(&sampler);
    stop(&helper);
}

static void faults_11_no_output_goes_through_a_link(void **state)
{
    (void)state;
    char directory[] = "/tmp/mprof-test-XXXXXX", link[64], target[64], text[8] = "";
    struct mp_output output;
    struct stat status;
    assert_non_null(mkdtemp(directory));
    snprintf(link, sizeof link, "%s/link", directory);
    snprintf(target, sizeof target, "%s/target", directory);
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(mp_output_create(link, MP_OUTPUT_PRIVATE), -1);
    assert_int_equal(errno, ELOOP);
    int fd = mp_output_create(target, MP_OUTPUT_PRIVATE);
    assert_true(fd >= 200);
    assert_int_equal(write(fd, "theirs", 6), 6);
    close(fd);
    assert_int_equal(mp_output_begin(&output, link, MP_OUTPUT_SHARED, NULL), 0);
    assert_int_equal(write(output.fd, "ours", 4), 4);
    assert_int_equal(mp_output_commit(&output), 0);
    mp_output_release(&output);
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISREG(status.st_mode));
    fd = open(target, O_RDONLY);
    assert_int_equal(read(fd, text, 7), 6);
    assert_string_equal(text, "theirs");
    close(fd);
    assert_int_equal(mp_output_create(directory, MP_OUTPUT_PRIVATE), -1);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(mp_output_create("/dev/full", MP_OUTPUT_PRIVATE), -1);
    assert_int_equal(errno, EINVAL);
    unlink(link);
    unlink(target);
    assert_int_equal(rmdir(directory), 0); /* no temporary is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spike_between_two_rounds_is_seen_every_time),
        cmocka_unit_test(a_mark_that_is_not_ours_is_never_reset),
        cmocka_unit_test(a_tree_is_listed_only_when_a_process_was_born),
        cmocka_unit_test(faults_30_what_is_not_there_cannot_be_watched),
        cmocka_unit_test(faults_33_a_reader_stays_with_the_process_it_opened),
        cmocka_unit_test(fork_events_count_children_nobody_read),
        cmocka_unit_test(faults_11_no_output_goes_through_a_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
