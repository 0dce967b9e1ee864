/* A mapped file that somebody cuts short: the store goes on, the owner is told, and the program's own
   SIGBUS stays its own. */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/guard.h"

enum { PAGES = 4 };

static volatile sig_atomic_t cuts;
static volatile sig_atomic_t theirs;
static size_t page;
static volatile char *mapped;
static int file;

static void count_cut(struct mp_guarded *guarded)
{
    (void)guarded;
    cuts++;
}

static void count_theirs(int signal)
{
    (void)signal;
    theirs++;
}

static int begin(void **state)
{
    (void)state;
    char path[] = "/tmp/guard-test-XXXXXX";
    page = (size_t)getpagesize();
    file = mkstemp(path);
    unlink(path);
    assert_int_equal(ftruncate(file, (off_t)(PAGES * page)), 0);
    mapped = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    assert_true(mapped != MAP_FAILED);
    cuts = theirs = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    munmap((char *)mapped, PAGES * page);
    close(file);
    return 0;
}

static struct mp_guarded guarded_one(void)
{
    return (struct mp_guarded){(char *)mapped, (char *)mapped + PAGES * page, count_cut,
                               NULL};
}

static void a_store_into_what_was_cut_goes_on_and_is_told(void **state)
{
    (void)state;
    struct mp_guarded one = guarded_one();
    mp_guard_add(&one);
    mapped[2 * page] = 1;
    assert_int_equal(ftruncate(file, (off_t)page), 0);
    mapped[2 * page + 8] = 7;
    assert_int_equal(cuts, 1);
    assert_int_equal(mapped[2 * page + 8], 7);
    assert_int_equal(mapped[2 * page], 0);
    mapped[0] = 3; /* what is left is still the file's */
    assert_int_equal(cuts, 1);
    mp_guard_remove(&one);
}

static void a_handler_of_the_programs_is_called_for_what_is_not_ours(void **state)
{
    (void)state;
    struct sigaction own = {.sa_handler = count_theirs}, before, now;
    sigaction(SIGBUS, &own, &before);
    struct mp_guarded one = guarded_one();
    mp_guard_add(&one);
    raise(SIGBUS);
    assert_int_equal(theirs, 1);
    assert_int_equal(cuts, 0);
    mp_guard_remove(&one);
    sigaction(SIGBUS, &before, &now);
    assert_ptr_equal((void *)now.sa_handler, (void *)count_theirs);
}

static void the_programs_action_is_back_while_paused_and_at_the_end(void **state)
{
    (void)state;
    struct sigaction before, there;
    sigset_t mask;
    sigaction(SIGBUS, NULL, &before);
    struct mp_guarded one = guarded_one(), two = guarded_one();
    mp_guard_add(&one);
    mp_guard_add(&two);
    mp_guard_remove(&one);
    sigaction(SIGBUS, NULL, &there);
    assert_ptr_not_equal((void *)there.sa_handler, (void *)before.sa_handler);
    assert_true(mp_guard_pause(&mask));
    sigaction(SIGBUS, NULL, &there);
    mp_guard_resume(&mask);
    assert_ptr_equal((void *)there.sa_handler, (void *)before.sa_handler);
    mp_guard_remove(&two);
    sigaction(SIGBUS, NULL, &there);
    assert_ptr_equal((void *)there.sa_handler, (void *)before.sa_handler);
    assert_false(mp_guard_pause(&mask));
}

static void a_forked_child_is_guarded_as_well(void **state)
{
    (void)state;
    int status;
    struct mp_guarded one = guarded_one();
    mp_guard_add(&one);
    pid_t child = fork();
    if (!child) {
        if (ftruncate(file, 0))
            _exit(1);
        mapped[page] = 1;
        _exit(cuts == 1 ? 0 : 2);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    mp_guard_remove(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_store_into_what_was_cut_goes_on_and_is_told,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            a_handler_of_the_programs_is_called_for_what_is_not_ours, begin, end),
        cmocka_unit_test_setup_teardown(
            the_programs_action_is_back_while_paused_and_at_the_end, begin, end),
        cmocka_unit_test_setup_teardown(a_forked_child_is_guarded_as_well, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
