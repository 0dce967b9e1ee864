#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"

static void room_grows_and_is_zeroed(void **state)
{
    (void)state;
    int *items = NULL;
    size_t room = 0;
    for (size_t count = 1; count < 1000; count++) {
        assert_int_equal(mp_array_reserve((void **)&items, &room, count, sizeof *items), 0);
        assert_true(room >= count);
        assert_int_equal(items[count - 1], 0);
        items[count - 1] = (int)count;
    }
    for (int i = 0; i < 999; i++)
        assert_int_equal(items[i], i + 1);
    free(items);
}

static void room_that_is_there_is_left_alone(void **state)
{
    (void)state;
    char *items = NULL;
    size_t room = 0;
    assert_int_equal(mp_array_reserve((void **)&items, &room, 100, 1), 0);
    char *before = items;
    size_t had = room;
    assert_int_equal(mp_array_reserve((void **)&items, &room, had, 1), 0);
    assert_ptr_equal(items, before);
    assert_int_equal(room, had);
    free(items);
}

static void what_cannot_be_had_is_enomem_and_changes_nothing(void **state)
{
    (void)state;
    char *items = NULL;
    size_t room = 0;
    assert_int_equal(mp_array_reserve((void **)&items, &room, 10, 8), 0);
    char *before = items;
    size_t had = room, impossible[] = {SIZE_MAX, SIZE_MAX / 2 + 2, SIZE_MAX / 8 + 1};
    for (int i = 0; i < 3; i++) {
        errno = 0;
        assert_int_equal(mp_array_reserve((void **)&items, &room, impossible[i], 8), -1);
        assert_int_equal(errno, ENOMEM);
        assert_ptr_equal(items, before);
        assert_int_equal(room, had);
    }
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_grows_and_is_zeroed),
        cmocka_unit_test(room_that_is_there_is_left_alone),
        cmocka_unit_test(what_cannot_be_had_is_enomem_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
