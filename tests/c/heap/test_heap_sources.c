/* Source text in captures: written when a recording ends, read whatever is in the file. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "aggregate/heap/kept.h"
#include "store/heap/file.h"
#include "store/heap/read.h"
#include "store/heap/sources.h"

static char path[64];
static struct mp_heap_file file;

static void begin(void)
{
    snprintf(path, sizeof path, "/tmp/heap-sources-%d", (int)getpid());
    unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_int_equal(mp_heap_file_open(&file, fd, path, 0), 0);
}

static struct mp_heap_text text_of(const char *text)
{
    struct mp_heap *heap = &file.heap;
    size_t length = strlen(text);
    assert_int_equal(mp_heap_reserve(heap, MP_HEAP_TEXT, length, MP_HEAP_FOR_LINES), 0);
    struct mp_heap_text put = {(uint32_t)heap->header->counts[MP_HEAP_TEXT],
                               (uint32_t)length};
    memcpy(heap->text + put.offset, text, length);
    heap->header->counts[MP_HEAP_TEXT] += length;
    return put;
}

static void keep(const char *name, uint64_t hash, const char *label,
                 const struct mp_heap_kept_line *lines, size_t count)
{
    struct mp_heap_source source = {.file = text_of(name), .size = 10, .hash = hash};
    assert_int_equal(mp_heap_keep_source(&file.heap, &source, label, lines, count), 0);
}

static enum mp_heap_problem end(struct mp_heap_capture *capture)
{
    assert_int_equal(mp_heap_file_finish(&file), 0);
    mp_heap_file_release(&file);
    enum mp_heap_problem problem = mp_heap_read(capture, path);
    unlink(path);
    return problem;
}

static const struct mp_heap_kept_line some[] = {{3, "three", 5}, {4, "four", 4}};
static const struct mp_heap_kept_line others[] = {{4, "FOUR", 4}, {9, "nine", 4}};

static void expect_line(const struct mp_heap_kept *kept, const char *name, uint32_t number,
                        const char *expected)
{
    size_t length;
    struct mp_heap_kept_file found = mp_heap_kept_find(kept, name, strlen(name));
    const char *text = mp_heap_kept_line(&found, number, &length);
    assert_int_equal(text != NULL, expected != NULL);
    if (!expected)
        return;
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(text, expected, length);
}

static void lines_are_found_by_file_and_number(void **state)
{
    (void)state;
    struct mp_heap_capture capture;
    struct mp_heap_kept kept = {0};
    begin();
    keep("b.py", 1, NULL, some, 2);
    keep("a.py", 2, "Cell In[1]", others, 2);
    assert_int_equal(end(&capture), MP_HEAP_OK);
    struct mp_heap_text label = capture.view.sources[1].label;
    assert_memory_equal(capture.view.text + label.offset, "Cell In[1]", label.length);
    assert_int_equal(mp_heap_kept_add(&kept, &capture.view), 0);
    mp_heap_capture_release(&capture);
    mp_heap_kept_sort(&kept);
    expect_line(&kept, "b.py", 3, "three");
    expect_line(&kept, "b.py", 5, NULL);
    expect_line(&kept, "a.py", 9, "nine");
    expect_line(&kept, "c.py", 3, NULL);
    expect_line(&kept, "", 3, NULL);
    assert_int_equal(mp_heap_kept_find(&kept, "a.py", 4).last, 9);
    mp_heap_kept_release(&kept);
}

static void processes_add_lines_of_one_version_of_a_file(void **state)
{
    (void)state;
    struct mp_heap_capture capture;
    struct mp_heap_kept kept = {0};
    begin();
    keep("a.py", 1, NULL, some, 2);
    keep("a.py", 1, NULL, others, 2);
    keep("b.py", 1, NULL, some, 2);
    keep("b.py", 2, NULL, others, 2);
    assert_int_equal(end(&capture), MP_HEAP_OK);
    assert_int_equal(mp_heap_kept_add(&kept, &capture.view), 0);
    mp_heap_capture_release(&capture);
    mp_heap_kept_sort(&kept);
    expect_line(&kept, "a.py", 4, "four");
    expect_line(&kept, "a.py", 9, "nine");
    expect_line(&kept, "b.py", 4, "four");
    expect_line(&kept, "b.py", 9, NULL);
    mp_heap_kept_release(&kept);
}

static void expect_damage(const char *wrong)
{
    struct mp_heap_capture capture;
    assert_int_equal(end(&capture), MP_HEAP_DAMAGED);
    assert_string_equal(capture.wrong, wrong);
    mp_heap_capture_release(&capture);
}

static void begin_with_some(void)
{
    begin();
    keep("a.py", 1, NULL, some, 2);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    begin_with_some();
    file.heap.source_lines[1].number = 3;
    expect_damage("lines are not in order");
    begin_with_some();
    file.heap.source_lines[0].number = 0;
    expect_damage("lines are not in order");
    begin_with_some();
    file.heap.source_lines[1].number = UINT32_MAX;
    expect_damage("lines are not in order");
    begin_with_some();
    file.heap.sources[0].first = UINT32_MAX;
    expect_damage("its lines are not in the file");
    begin_with_some();
    file.heap.source_lines[1].text.length = UINT32_MAX;
    expect_damage("a text is not in the file");
    begin_with_some();
    file.heap.sources[0].label.offset = UINT32_MAX;
    expect_damage("a text is not in the file");
}

static void many_sources_of_one_text_are_refused(void **state)
{
    (void)state;
    begin();
    char large[1 << 12];
    memset(large, 'x', sizeof large);
    struct mp_heap_kept_line line = {1, large, sizeof large};
    keep("a.py", 1, NULL, &line, 1);
    struct mp_heap *heap = &file.heap;
    assert_int_equal(mp_heap_reserve(heap, MP_HEAP_SOURCES, 100, MP_HEAP_FOR_LINES), 0);
    for (int i = 0; i < 100; i++)
        heap->sources[heap->header->counts[MP_HEAP_SOURCES]++] = heap->sources[0];
    expect_damage("a text is not in the file");
}

static void a_file_cut_short_has_no_sources(void **state)
{
    (void)state;
    struct mp_heap_capture capture;
    begin_with_some();
    assert_int_equal(mp_heap_file_finish(&file), 0);
    mp_heap_file_release(&file);
    assert_int_equal(truncate(path, 3 * MP_HEAP_CHUNK), 0);
    assert_int_equal(mp_heap_read(&capture, path), MP_HEAP_OK);
    assert_int_equal(capture.view.counts[MP_HEAP_SOURCES], 0);
    assert_non_null(capture.incomplete);
    mp_heap_capture_release(&capture);
    unlink(path);
}

static void a_full_file_keeps_none(void **state)
{
    (void)state;
    struct mp_heap_source source = {.size = 1};
    static char large[3 << 20];
    struct mp_heap_kept_line line = {1, large, sizeof large};
    snprintf(path, sizeof path, "/tmp/heap-sources-%d", (int)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_int_equal(mp_heap_file_open(&file, fd, path, 1 << 20), 0);
    assert_int_equal(mp_heap_keep_source(&file.heap, &source, NULL, &line, 1), -1);
    assert_int_equal(file.heap.header->counts[MP_HEAP_SOURCES], 0);
    assert_int_equal(file.heap.header->counts[MP_HEAP_SOURCE_LINES], 0);
    mp_heap_file_release(&file);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_found_by_file_and_number),
        cmocka_unit_test(processes_add_lines_of_one_version_of_a_file),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(many_sources_of_one_text_are_refused),
        cmocka_unit_test(a_file_cut_short_has_no_sources),
        cmocka_unit_test(a_full_file_keeps_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
