#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/timeline/sampling.h"
#include "capture/timeline/sampling_thread.h"

enum { MILLISECOND = 1000000 };

static const struct mp_sampling_options often = {.interval = MILLISECOND, .peak = true};

static int threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *task; (task = readdir(tasks));)
        count += task->d_name[0] != '.';
    closedir(tasks);
    return IS_FOR_RACES ? count - 1 : count; /* it has a thread of its own */
}

/* Waits until the kernel has forgotten threads that were joined. */
static void assert_threads(int expected)
{
    for (int i = 0; i < 1000 && threads() != expected; i++)
        poll(NULL, 0, 1);
    assert_int_equal(threads(), expected);
}

/* Waits until a running sampling has taken more than `count`. */
static void wait_for(struct mp_sampling *s, size_t count)
{
    for (int i = 0; i < 10000; i++) {
        pthread_mutex_lock(&s->lock);
        size_t taken = s->samples.count;
        pthread_mutex_unlock(&s->lock);
        if (taken > count)
            return;
        poll(NULL, 0, 1);
    }
    fail_msg("no sample in ten seconds");
}

static void samples_are_taken_at_start_between_and_at_stop(void **state)
{
    (void)state;
    struct mp_sampling s;
    assert_false(mp_sampling_open(&s, &often));
    assert_false(mp_sampling_start(&s));
    assert_int_equal(s.samples.rows[0].pid, 0);
    wait_for(&s, 20);
    void *room = take_memory(50 * MIB);
    mp_sampling_stop(&s);
    size_t last = s.samples.count - 1;
    assert_near(s.samples.rows[last].bytes - s.samples.rows[0].bytes, 50 * MIB);
    assert_int_equal(s.meter.reads, s.samples.count);
    give_back(room, 50 * MIB);
    mp_sampling_release(&s);
    assert_threads(1);
}

static void a_spike_between_two_samples_is_the_peak(void **state)
{
    (void)state;
    struct mp_sampling s;
    struct mp_sampling_options seldom = {.interval = INT64_C(3600000) * MILLISECOND,
                                         .peak = true};
    assert_false(mp_sampling_open(&s, &seldom));
    assert_false(mp_sampling_start(&s));
    spike(100 * MIB);
    mp_sampling_stop(&s);
    assert_int_equal(s.samples.count, 2);
    assert_near(s.most.bytes, s.samples.rows[0].bytes + 100 * MIB);
    mp_sampling_release(&s);
}

static int threads_at_fork;

/* Runs after the sampling's own handler: it was registered before. */
static void count_threads_before_fork(void)
{
    for (int i = 0; i < 100 && (threads_at_fork = threads()) > 1; i++)
        poll(NULL, 0, 1);
}

static volatile sig_atomic_t handled_by;

static void note_thread(int signal)
{
    (void)signal;
    handled_by = (sig_atomic_t)gettid();
}

/* faults 45 */
static void no_signal_reaches_the_thread(void **state)
{
    (void)state;
    struct mp_sampling s;
    sigset_t user, before;
    sigemptyset(&user);
    sigaddset(&user, SIGUSR1);
    signal(SIGUSR1, note_thread);
    assert_false(mp_sampling_open(&s, &often));
    assert_false(mp_sampling_start(&s));
    pthread_sigmask(SIG_BLOCK, &user, &before);
    handled_by = 0;
    kill(getpid(), SIGUSR1);
    wait_for(&s, 20);
    assert_int_equal(handled_by, 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(handled_by, getpid());
    mp_sampling_stop(&s);
    mp_sampling_release(&s);
}

/* faults 39 */
static void a_hundred_forks_find_no_thread_and_lose_no_sampling(void **state)
{
    (void)state;
    struct mp_sampling s;
    assert_false(mp_sampling_open(&s, &often));
    assert_false(mp_sampling_start(&s));
    for (int i = 0; i < 100; i++) {
        pid_t pid = fork();
        if (!pid) {
            mp_sampling_stop(&s);
            _exit(threads());
        }
        int status;
        assert_int_equal(threads_at_fork, 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 1);
    }
    pthread_mutex_lock(&s.lock);
    size_t taken = s.samples.count;
    pthread_mutex_unlock(&s.lock);
    wait_for(&s, taken + 5);
    mp_sampling_stop(&s);
    mp_sampling_release(&s);
}

/* faults 41 */
static void while_held_no_thread_exists_and_a_start_waits(void **state)
{
    (void)state;
    struct mp_sampling first, second;
    assert_false(mp_sampling_open(&first, &often));
    assert_false(mp_sampling_open(&second, &often));
    assert_false(mp_sampling_start(&first));
    wait_for(&first, 2);
    mp_sampling_hold();
    assert_int_equal(threads(), 1);
    assert_false(mp_sampling_start(&second));
    assert_int_equal(threads(), 1);
    size_t taken = first.samples.count;
    mp_sampling_resume();
    wait_for(&first, taken);
    wait_for(&second, 2);
    mp_sampling_stop(&second);
    mp_sampling_stop(&first);
    mp_sampling_release(&second);
    mp_sampling_release(&first);
    assert_threads(1);
}

/* faults 32 */
static void a_process_that_ends_ends_its_sampling(void **state)
{
    (void)state;
    struct mp_sampling s;
    pid_t pid = fork();
    if (!pid) {
        pause();
        _exit(0);
    }
    struct mp_sampling_options options = {.pid = pid, .interval = MILLISECOND};
    assert_false(mp_sampling_open(&s, &options));
    assert_false(mp_sampling_start(&s));
    wait_for(&s, 5);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    mp_sampling_stop(&s);
    assert_true(s.samples.count > 5);
    assert_int_equal(s.error, ESRCH);
    mp_sampling_release(&s);
}

static void children_are_summed_or_kept_apart_and_we_are_not_among_them(void **state)
{
    (void)state;
    int ready[2];
    char byte;
    void *ballast = take_memory(20 * MIB);
    assert_false(pipe(ready));
    pid_t pid = fork();
    if (!pid) {
        take_memory(60 * MIB);
        byte = write(ready[1], "x", 1) == 1;
        pause();
        _exit(byte);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    struct mp_sampling sum, each;
    struct mp_sampling_options options = {.interval = MILLISECOND, .sum_children = true};
    assert_false(mp_sampling_open(&sum, &options));
    options = (struct mp_sampling_options){.interval = MILLISECOND, .each_child = true};
    assert_false(mp_sampling_open(&each, &options));
    assert_false(mp_sampling_take(&sum));
    assert_false(mp_sampling_take(&each));
    assert_int_equal(each.samples.count, 2);
    assert_int_equal(each.samples.rows[1].pid, pid);
    if (!IS_FOR_RACES)
        assert_in_range(each.samples.rows[1].bytes, 80 * MIB, 90 * MIB);
    assert_near(sum.samples.rows[0].bytes,
                each.samples.rows[0].bytes + each.samples.rows[1].bytes);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    give_back(ballast, 20 * MIB);
    close(ready[0]);
    close(ready[1]);
    mp_sampling_release(&sum);
    mp_sampling_release(&each);
}

/* faults 52 */
static void a_thread_that_cannot_be_had_is_an_error_and_nothing_runs(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (!pid) {
        struct mp_sampling s;
        struct rlimit none = {0, 0};
        if (setgid(65534) || setuid(65534) || setrlimit(RLIMIT_NPROC, &none))
            _exit(77);
        if (mp_sampling_open(&s, &often))
            _exit(78);
        int failed = mp_sampling_start(&s), error = errno;
        mp_sampling_release(&s);
        _exit(failed == -1 && error == EAGAIN && !s.started ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WEXITSTATUS(status) == 77) {
        print_message("not root: cannot become a user without processes\n");
        skip();
    }
    assert_int_equal(status, 0);
}

int main(void)
{
    pthread_atfork(count_threads_before_fork, NULL, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_taken_at_start_between_and_at_stop),
        cmocka_unit_test(a_spike_between_two_samples_is_the_peak),
        cmocka_unit_test(no_signal_reaches_the_thread),
        cmocka_unit_test(a_hundred_forks_find_no_thread_and_lose_no_sampling),
        cmocka_unit_test(while_held_no_thread_exists_and_a_start_waits),
        cmocka_unit_test(a_process_that_ends_ends_its_sampling),
        cmocka_unit_test(children_are_summed_or_kept_apart_and_we_are_not_among_them),
        cmocka_unit_test(a_thread_that_cannot_be_had_is_an_error_and_nothing_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
