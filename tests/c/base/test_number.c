/* Numbers in recordings are what printf would write. */
#include "unit.h"

#include <stdio.h>

#include "base/number.h"

static void check_mib(int64_t bytes, int decimals)
{
    char ours[32], theirs[32];
    *mp_number_put_mib(ours, bytes, decimals) = 0;
    snprintf(theirs, sizeof theirs, "%.*f", decimals, (double)bytes / 1048576.0);
    assert_string_equal(ours, theirs);
}

static void memory_is_rounded_as_printf_rounds_it(void **state)
{
    (void)state;
    for (int64_t pages = 0; pages < 5000; pages++)
        for (int decimals = 3; decimals <= 6; decimals++)
            check_mib(pages * 4096, decimals);
    for (int64_t bytes = 1; bytes < INT64_C(1) << 50; bytes = bytes * 3 + 1024)
        check_mib(bytes & ~INT64_C(1023), 6);
}

static void seconds_keep_their_leading_zeros(void **state)
{
    char text[32];
    (void)state;
    *mp_number_put_seconds(text, INT64_C(1795403067000450000), 4) = 0;
    assert_string_equal(text, "1795403067.0005");
    *mp_number_put_seconds(text, 999950000, 4) = 0;
    assert_string_equal(text, "1.0000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_rounded_as_printf_rounds_it),
        cmocka_unit_test(seconds_keep_their_leading_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
