#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/escape.h"

static void with_tabs(FILE *out, const char *text, size_t length)
{
    mp_escape_terminal(out, text, length, true);
}

static void without_tabs(FILE *out, const char *text, size_t length)
{
    mp_escape_terminal(out, text, length, false);
}

/* What is written of a text; the caller frees it. */
static char *escaped(void (*escape)(FILE *, const char *, size_t), const char *text,
                     size_t length)
{
    char *out = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&out, &size);
    escape(stream, text, length);
    fclose(stream);
    return out;
}

#define assert_escaped(escape, text, expected)                 \
    do {                                                       \
        char *shown = escaped(escape, text, sizeof(text) - 1); \
        assert_string_equal(shown, expected);                  \
        free(shown);                                           \
    } while (0)

#define assert_shown(text, expected) assert_escaped(with_tabs, text, expected)
#define assert_field(text, expected) assert_escaped(mp_escape_csv, text, "\"" expected "\"")
#define assert_json(text, expected) assert_escaped(mp_escape_json, text, expected)

static void a_terminal_gets_readable_text_as_it_is(void **state)
{
    (void)state;
    assert_shown("", "");
    assert_shown("plain ~ text", "plain ~ text");
    assert_shown("\xc3\xa4 \xe2\x82\xac \xf0\x9d\x84\x9e",
                 "\xc3\xa4 \xe2\x82\xac \xf0\x9d\x84\x9e");
    assert_shown("a\tb", "a\tb");
}

static void a_terminal_never_gets_a_control(void **state)
{
    (void)state;
    assert_shown("\x1b[31m", "\\x1b[31m");
    assert_shown("a\0b\n\r\x7f", "a\\x00b\\x0a\\x0d\\x7f");
    assert_shown("\xc2\x9b", "\\xc2\\x9b");
    assert_shown("\xe2\x80\xae", "\\xe2\\x80\\xae");
    assert_shown("\xe2\x80\xa8\xe2\x81\xa6", "\\xe2\\x80\\xa8\\xe2\\x81\\xa6");
    assert_escaped(without_tabs, "a\tb", "a\\x09b");
}

static void a_csv_field_is_one_field_and_no_formula(void **state)
{
    (void)state;
    assert_field("", "");
    assert_field("a,b", "a,b");
    assert_field("say \"x\"", "say \"\"x\"\"");
    assert_field("\"", "\"\"");
    assert_field("=1+1", "'=1+1");
    assert_field("+1", "'+1");
    assert_field("-1", "'-1");
    assert_field("@x", "'@x");
    assert_field("a=1", "a=1");
    assert_field("a\r\nb", "a\\x0d\\x0ab");
    assert_field("\0", "\\x00");
}

static void bytes_that_are_no_characters_are_shown_as_bytes(void **state)
{
    (void)state;
    assert_shown("\xff\xfe", "\\xff\\xfe");
    assert_shown("\xc3", "\\xc3");
    assert_shown("\xe2\x82", "\\xe2\\x82");
    assert_shown("\xc0\xaf", "\\xc0\\xaf");
    assert_shown("\xed\xa0\x80", "\\xed\\xa0\\x80");
    assert_shown("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
}

static void every_pair_of_bytes_is_safe_on_a_terminal(void **state)
{
    (void)state;
    for (int i = 0; i < 65536; i++) {
        char pair[2] = {(char)(i >> 8), (char)i};
        char *shown = escaped(without_tabs, pair, 2);
        for (char *at = shown; *at; at++)
            assert_true((unsigned char)*at >= 0x20 && *at != 0x7f);
        free(shown);
    }
}

static void json_is_ascii_and_inert_in_a_page(void **state)
{
    (void)state;
    assert_json("", "\"\"");
    assert_json("a\"b\\c", "\"a\\\"b\\\\c\"");
    assert_json("</script>&", "\"\\u003c/script\\u003e\\u0026\"");
    assert_json("\n\t\x1b\x7f", "\"\\u000a\\u0009\\u001b\\u007f\"");
    assert_json("\xe2\x82\xac", "\"\\u20ac\"");
    assert_json("\xf0\x9d\x84\x9e", "\"\\ud834\\udd1e\"");
    assert_json("a\0b", "\"a\\u0000b\"");
    assert_json("\xff", "\"\\udcff\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_gets_readable_text_as_it_is),
        cmocka_unit_test(a_terminal_never_gets_a_control),
        cmocka_unit_test(a_csv_field_is_one_field_and_no_formula),
        cmocka_unit_test(bytes_that_are_no_characters_are_shown_as_bytes),
        cmocka_unit_test(every_pair_of_bytes_is_safe_on_a_terminal),
        cmocka_unit_test(json_is_ascii_and_inert_in_a_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
