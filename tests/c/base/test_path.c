/* Names without detours name the same file. */
#include "unit.h"

#include <stdlib.h>

#include "base/path.h"

static void check(const char *path, const char *normal)
{
    char *ours = mp_path_normal(path);
    assert_non_null(ours);
    assert_string_equal(ours, normal);
    free(ours);
}

static void detours_are_left_out(void **state)
{
    (void)state;
    check("a/b.py", "a/b.py");
    check("./a//b/../c.py", "a/c.py");
    check("/a/./b/../../c.py", "/c.py");
    check("a/..", "");
    check("a/b/..", "a");
    check(".//./a/", "a");
    check("", "");
    check("/", "/");
}

static void what_is_above_stays_above(void **state)
{
    (void)state;
    check("../a.py", "../a.py");
    check("../../a/../b.py", "../../b.py");
    check("a/../../b.py", "../b.py");
    check("/../a.py", "/a.py");
    check("..a/...", "..a/...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detours_are_left_out),
        cmocka_unit_test(what_is_above_stays_above),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
