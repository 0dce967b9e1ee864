/* The renderers: the same table gives the same bytes. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "report/lines/csv.h"
#include "report/lines/json.h"
#include "report/lines/text.h"

#define TEXT(string)               \
    {                              \
        string, sizeof(string) - 1 \
    }

static struct mp_line rows[4];
static const struct mp_text source[] = {TEXT("@profile"), TEXT("def f(x):"),
                                        TEXT("    y = \"<\x1b[1m>\""), TEXT("\treturn y")};

static struct mp_function example(void)
{
    rows[0] = (struct mp_line){.memory = 29028352, .occurrences = 2};
    rows[1] = (struct mp_line){0};
    rows[2] = (struct mp_line){.memory = 37031936,
                               .increment = 8003584,
                               .peak = 40 * MIB,
                               .occurrences = 12,
                               .allocated = 5 * MIB / 2,
                               .freed = 1024,
                               .heap_peak = 1023};
    rows[3] = (struct mp_line){
        .memory = 37031936, .increment = -16003072, .occurrences = 1, .freed = 1536};
    return (struct mp_function){
        .filename = TEXT("ex\n.py"),
        .name = TEXT("f"),
        .lines = source,
        .table = {.first = 7, .count = 4, .entry = 7, .baseline = 29028352, .rows = rows}};
}

static char *as_text_with(struct mp_text_options options)
{
    char *out = NULL;
    size_t size = 0;
    struct mp_function function = example();
    FILE *stream = open_memstream(&out, &size);
    mp_text_lines(stream, &function, &options);
    fclose(stream);
    return out;
}

static char *as_text(int precision, bool peaks)
{
    return as_text_with((struct mp_text_options){.precision = precision, .peaks = peaks});
}

static void the_text_table_is_the_golden_one(void **state)
{
    (void)state;
    char *text = as_text(3, false);
    assert_string_equal(
        text, "Filename: ex\\x0a.py\n"
              "\n"
              "Line #    Mem usage    Increment  Occurrences   Line Contents\n"
              "=============================================================\n"
              "     7   27.684 MiB   27.684 MiB           2   @profile\n"
              "     8                                         def f(x):\n"
              "     9   35.316 MiB    7.633 MiB          12       y = \"<\\x1b[1m>\"\n"
              "    10   35.316 MiB  -15.262 MiB           1   \treturn y\n"
              "\n\n");
    free(text);
}

static void precision_widens_and_never_cuts(void **state)
{
    (void)state;
    char *text = as_text(12, false);
    assert_non_null(strstr(text, "     9  35.316406250000 MiB   7.632812500000 MiB"));
    free(text);
    text = as_text(0, false);
    assert_non_null(strstr(text, "    10       35 MiB      -15 MiB           1   "));
    free(text);
    text = as_text(100, true);
    assert_non_null(text);
    free(text);
}

static void peaks_have_their_own_column(void **state)
{
    (void)state;
    char *text = as_text(3, true);
    assert_non_null(strstr(text, "7.633 MiB   40.000 MiB          12       y ="));
    assert_non_null(strstr(text, "         Peak  Occurrences   Line Contents\n"));
    free(text);
}

static void heap_columns_show_every_byte_and_stand_beside_the_others(void **state)
{
    (void)state;
    char *text = as_text_with((struct mp_text_options){.precision = 3, .heap = true});
    assert_string_equal(
        strchr(text, '\n') + 2,
        "Line #    Mem usage    Increment    Allocated        Freed          Net    Heap peak  "
        "Occurrences   Line Contents\n"
        "=========================================================================="
        "=======================================\n"
        "     7   27.684 MiB   27.684 MiB        0   B        0   B        0   B        0   B  "
        "         2   @profile\n"
        "     8                                                                                "
        "             def f(x):\n"
        "     9   35.316 MiB    7.633 MiB    2.500 MiB    1.000 KiB    2.499 MiB     1023   B  "
        "        12       y = \"<\\x1b[1m>\"\n"
        "    10   35.316 MiB  -15.262 MiB        0   B    1.500 KiB   -1.500 KiB        0   B  "
        "         1   \treturn y\n"
        "\n\n");
    free(text);
    text = as_text_with(
        (struct mp_text_options){.precision = 100, .peaks = true, .heap = true});
    assert_non_null(strstr(text, "         Peak    Allocated"));
    free(text);
}

static void json_has_the_bytes_of_the_heap(void **state)
{
    (void)state;
    char *out = NULL;
    size_t size = 0;
    struct mp_function function = example();
    struct mp_json_options options = {
        .backend = "psutil", .python = "3.12.1", .heap = true};
    FILE *stream = open_memstream(&out, &size);
    mp_json_lines(stream, &function, 1, &options);
    fclose(stream);
    assert_non_null(strstr(out,
                           "\"allocated\": 2621440, \"freed\": 1024, \"net\": 2620416, "
                           "\"heap_peak\": 1023, \"source\""));
    assert_non_null(strstr(out, "\"allocated\": 0, \"freed\": 1536, \"net\": -1536, "));
    assert_non_null(strstr(out, "\"heap_peak\": null, \"source\": \"def f(x):\""));
    free(out);
}

static void json_is_the_golden_document(void **state)
{
    (void)state;
    char *out = NULL;
    size_t size = 0;
    struct mp_function function = example();
    function.table.count = 3;
    struct mp_json_options options = {.backend = "psutil", .python = "3.12.1"};
    FILE *stream = open_memstream(&out, &size);
    mp_json_lines(stream, &function, 1, &options);
    fclose(stream);
    assert_string_equal(
        out,
        "{\n  \"schema\": \"memory_profiler.lines/1\",\n  \"unit\": \"bytes\",\n"
        "  \"version\": \"" MP_VERSION "\",\n  \"python\": \"3.12.1\",\n"
        "  \"backend\": \"psutil\",\n  \"functions\": [\n    {\n"
        "      \"filename\": \"ex\\u000a.py\",\n      \"function\": \"f\",\n"
        "      \"first_line\": 7,\n      \"baseline\": 29028352,\n      \"lines\": [\n"
        "        {\"line\": 7, \"memory\": 29028352, \"increment\": 29028352, \"occurrences\": 2, "
        "\"peak\": null, "
        "\"allocated\": null, \"freed\": null, \"net\": null, \"heap_peak\": null, "
        "\"source\": \"@profile\"},\n"
        "        {\"line\": 8, \"memory\": null, \"increment\": null, \"occurrences\": 0, "
        "\"peak\": null, "
        "\"allocated\": null, \"freed\": null, \"net\": null, \"heap_peak\": null, "
        "\"source\": \"def f(x):\"},\n"
        "        {\"line\": 9, \"memory\": 37031936, \"increment\": 8003584, \"occurrences\": 12, "
        "\"peak\": null, "
        "\"allocated\": null, \"freed\": null, \"net\": null, \"heap_peak\": null, "
        "\"source\": \"    y = \\\"\\u003c\\u001b[1m\\u003e\\\"\"}\n"
        "      ]\n    }\n  ]\n}\n");
    free(out);
}

static void csv_has_bytes_and_empty_cells(void **state)
{
    (void)state;
    char *out = NULL;
    size_t size = 0;
    struct mp_function function = example();
    function.table.count = 3;
    struct mp_csv_options options = {.heap = true};
    FILE *stream = open_memstream(&out, &size);
    mp_csv_lines(stream, &function, 1, &options);
    fclose(stream);
    assert_string_equal(
        out, "filename,function,line,memory,increment,occurrences,peak,allocated,freed,net,"
             "heap_peak,source\n"
             "\"ex\\x0a.py\",\"f\",7,29028352,29028352,2,,0,0,0,0,\"'@profile\"\n"
             "\"ex\\x0a.py\",\"f\",8,,,0,,,,,,\"def f(x):\"\n"
             "\"ex\\x0a.py\",\"f\",9,37031936,8003584,12,,2621440,1024,2620416,1023,"
             "\"    y = \"\"<\\x1b[1m>\"\"\"\n");
    free(out);
}

static void a_full_device_shows_in_the_stream(void **state)
{
    (void)state;
    struct mp_function function = example();
    struct mp_text_options text = {.precision = 3};
    struct mp_json_options json = {.backend = "psutil", .python = "3.12.1"};
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    for (int i = 0; i < 1000; i++) {
        mp_text_lines(full, &function, &text);
        mp_json_lines(full, &function, 1, &json);
    }
    assert_true(ferror(full));
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_table_is_the_golden_one),
        cmocka_unit_test(precision_widens_and_never_cuts),
        cmocka_unit_test(peaks_have_their_own_column),
        cmocka_unit_test(heap_columns_show_every_byte_and_stand_beside_the_others),
        cmocka_unit_test(json_is_the_golden_document),
        cmocka_unit_test(json_has_the_bytes_of_the_heap),
        cmocka_unit_test(csv_has_bytes_and_empty_cells),
        cmocka_unit_test(a_full_device_shows_in_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
