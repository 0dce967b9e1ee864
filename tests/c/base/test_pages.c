#include "unit.h"

#include <errno.h>

#include "base/pages.h"

static void room_grows_and_keeps_what_there_was(void **state)
{
    (void)state;
    uint32_t *items = NULL;
    size_t room = 0;
    for (size_t count = 1; count < 100000; count++) {
        assert_int_equal(mp_pages_reserve((void **)&items, &room, count, sizeof *items), 0);
        assert_true(room >= count);
        assert_int_equal(items[count - 1], 0);
        items[count - 1] = (uint32_t)count;
    }
    for (uint32_t i = 0; i < 99999; i++)
        assert_int_equal(items[i], i + 1);
    mp_pages_free(items, room, sizeof *items);
}

static void what_cannot_be_had_is_enomem_and_changes_nothing(void **state)
{
    (void)state;
    char *items = NULL;
    size_t room = 0;
    assert_int_equal(mp_pages_reserve((void **)&items, &room, 1, 1), 0);
    char *before = items;
    size_t had = room;
    errno = 0;
    assert_int_equal(mp_pages_reserve((void **)&items, &room, SIZE_MAX / 4, 1), -1);
    assert_int_equal(errno, ENOMEM);
    assert_ptr_equal(items, before);
    assert_int_equal(room, had);
    assert_null(mp_pages_new(SIZE_MAX / 2, 8));
    assert_int_equal(errno, ENOMEM);
    mp_pages_free(items, room, 1);
    mp_pages_free(NULL, 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_grows_and_keeps_what_there_was),
        cmocka_unit_test(what_cannot_be_had_is_enomem_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
