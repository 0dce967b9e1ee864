#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/process/cgroup.h"
#include "capture/process/tree.h"

/* A child that holds memory, says so, and may have a child of its own; until it is killed. */
static pid_t start(int levels, int ready)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    alarm(20); /* a test that failed leaves nobody behind */
    take_memory(30 * MIB);
    if (levels > 1)
        start(levels - 1, ready);
    (void)!write(ready, "x", 1);
    for (;;)
        pause();
}

static void descendants_are_listed_parents_first_and_summed(void **state)
{
    (void)state;
    int ready[2];
    char byte;
    struct mp_tree tree = {0};
    assert_int_equal(pipe(ready), 0);
    pid_t child = start(3, ready[1]);
    for (int i = 0; i < 3; i++)
        assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(mp_tree_list(&tree, getpid()), 0);
    assert_int_equal(tree.count, 3);
    assert_int_equal(tree.pids[0], child);
    int64_t bytes = mp_tree_memory(&tree, getpid(), MP_RSS);
    /* each has its own 30 MiB and what its parents had when it was forked */
    assert_true(bytes > 180 * MIB && bytes < 230 * MIB);
    for (size_t i = 0; i < tree.count; i++)
        kill(tree.pids[i], SIGKILL);
    waitpid(child, NULL, 0);
    mp_tree_release(&tree);
    close(ready[0]);
    close(ready[1]);
}

static void a_process_without_children_has_an_empty_list(void **state)
{
    (void)state;
    struct mp_tree tree = {0};
    pid_t child = start(1, -1);
    assert_int_equal(mp_tree_list(&tree, child), 0);
    assert_int_equal(tree.count, 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(mp_tree_list(&tree, child), 0);
    assert_int_equal(tree.count, 0);
    mp_tree_release(&tree);
}

static void the_control_group_is_found_and_read_where_there_is_one(void **state)
{
    (void)state;
    struct mp_cgroup group;
    if (mp_cgroup_find(&group, 0)) {
        assert_int_equal(errno, ENOENT);
        skip();
    }
    assert_true(group.version == 1 || group.version == 2);
    int64_t now = mp_cgroup_current(&group), limit = mp_cgroup_limit(&group);
    assert_true(now > 0);
    assert_true(limit == -1 || limit >= now / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descendants_are_listed_parents_first_and_summed),
        cmocka_unit_test(a_process_without_children_has_an_empty_list),
        cmocka_unit_test(the_control_group_is_found_and_read_where_there_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
