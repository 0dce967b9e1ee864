/* Names of files as people say them: short, and never another file's. */
#include "stacks.h"

#include <stdlib.h>

#include "aggregate/heap/paths.h"

static void assert_short(const char *file, const char *wanted)
{
    struct mp_heap_paths paths;
    stacks_code(file, "f");
    struct mp_heap_view view = mp_heap_view_of(&stacks_file.heap);
    assert_int_equal(mp_heap_paths_init(&paths, &view, "/home/me"), 0);
    struct mp_heap_text its = view.codes[view.counts[MP_HEAP_CODES] - 1].file;
    struct mp_heap_text name = mp_heap_paths_short(&paths, its);
    char *text = strndup(view.text + name.offset, name.length);
    assert_string_equal(text, wanted);
    free(text);
    mp_heap_paths_release(&paths);
}

static void a_file_is_named_from_where_it_is_looked_for(void **state)
{
    (void)state;
    stacks_start();
    assert_short("/v/lib/python3.12/site-packages/numpy/core/a.py", "numpy/core/a.py");
    assert_short("/home/me/.venv/lib64/python3.12/site-packages/six.py", "six.py");
    assert_short("/usr/lib/python3/dist-packages/yaml/b.py", "yaml/b.py");
    assert_short("/usr/lib/python3.12/json/decoder.py", "json/decoder.py");
    assert_short("/usr/lib64/python3.9/ast.py", "ast.py");
    assert_short("/home/me/app/main.py", "app/main.py");
    assert_short("/home/me", "/home/me");
    assert_short("/home/merlin/x.py", "/home/merlin/x.py");
    assert_short("/srv/lib/python3.txt/x.py", "/srv/lib/python3.txt/x.py");
    assert_short("work.py", "work.py");
    assert_short("<frozen abc>", "<frozen abc>");
    assert_short("", "");
    stacks_end();
}

static void files_of_one_short_name_have_their_whole_names(void **state)
{
    (void)state;
    stacks_start();
    assert_short("/usr/lib/python3.12/json/decoder.py", "json/decoder.py");
    assert_short("/home/me/json/decoder.py", "/home/me/json/decoder.py");
    assert_short("/usr/lib/python3.12/json/decoder.py",
                 "/usr/lib/python3.12/json/decoder.py");
    assert_short("/usr/lib/python3.12/json/encoder.py", "json/encoder.py");
    assert_short("json/encoder.py", "json/encoder.py");
    assert_short("/usr/lib/python3.12/json/encoder.py",
                 "/usr/lib/python3.12/json/encoder.py");
    stacks_end();
}

static void a_folder_is_short_while_no_file_of_another_is_in_it(void **state)
{
    (void)state;
    stacks_start();
    stacks_code("/v/lib/python3.12/site-packages/numpy/a.py", "f");
    stacks_code("/v/lib/python3.12/site-packages/numpyro/a.py", "f");
    assert_short("/v/lib/python3.12/site-packages/numpy", "numpy");
    stacks_code("/w/lib/python3.12/site-packages/numpy/b.py", "f");
    assert_short("/v/lib/python3.12/site-packages/numpy",
                 "/v/lib/python3.12/site-packages/numpy");
    assert_short("/v/lib/python3.12/site-packages/numpy/a.py", "numpy/a.py");
    stacks_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_named_from_where_it_is_looked_for),
        cmocka_unit_test(files_of_one_short_name_have_their_whole_names),
        cmocka_unit_test(a_folder_is_short_while_no_file_of_another_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
