/* The views of a heap capture: the same tables give the same bytes. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "heap_documents.h"
#include "heap_example.h"

static char *render(enum document what, const struct mp_heap_style *style, bool all_frames)
{
    struct mp_heap_capture capture;
    char *text = NULL;
    size_t size;
    example_read(&capture);
    FILE *stream = open_memstream(&text, &size);
    document_put(stream, what, &capture, style, all_frames);
    fclose(stream);
    mp_heap_capture_release(&capture);
    return text;
}

static char *golden(const char *name)
{
    char path[4096], *text = calloc(1, 1 << 16);
    snprintf(path, sizeof path, "%s/%s", MP_GOLDEN, name);
    FILE *in = fopen(path, "rb");
    if (in) {
        assert_true(fread(text, 1, (1 << 16) - 1, in) > 0);
        fclose(in);
    }
    return text;
}

/* JSON without its first lines, which name our version. */
static const char *body(const char *text)
{
    const char *unit = strstr(text, "\n  \"unit\"");
    return unit ? unit : text;
}

/* What differs is left in the directory of the test, under the golden file's name. */
static void expect(const char *name, enum document what, const struct mp_heap_style *style,
                   bool all_frames)
{
    char *text = render(what, style, all_frames), *wanted = golden(name);
    if (strcmp(body(text), body(wanted)) != 0) {
        FILE *out = fopen(name, "wb");
        fputs(text, out);
        fclose(out);
    }
    assert_string_equal(body(text), body(wanted));
    free(wanted);
    free(text);
}

static const struct mp_heap_style pipe_style = {.utf8 = true};
static const struct mp_heap_style drawn = {.width = 80, .utf8 = true, .drawings = true};

static void the_report_is_the_golden_one(void **state)
{
    (void)state;
    expect("heap_report.txt", REPORT, &document_wide, false);
    expect("heap_report_drawn.txt", REPORT, &drawn, false);
    expect("heap_report_pipe.txt", REPORT, &pipe_style, false);
}

static void faults_67_narrow_ascii_cuts_no_number(void **state)
{
    (void)state;
    expect("heap_report_narrow.txt", REPORT, &document_narrow, false);
    expect("heap_listing_narrow.txt", LISTING, &document_narrow, false);
    char *text = render(REPORT, &document_narrow, false);
    for (const char *at = text; *at; at++)
        assert_true(*at == '\n' || (*at >= ' ' && *at < 127));
    free(text);
}

static void our_own_frames_are_shown_when_asked_for(void **state)
{
    (void)state;
    expect("heap_report_all_frames.txt", REPORT, &document_wide, true);
    char *text = render(REPORT, &document_wide, false);
    assert_null(strstr(text, "runpy"));
    assert_null(strstr(text, "_heap_run"));
    assert_null(strstr(text, "importlib"));
    free(text);
}

static void files_are_grouped_by_where_they_come_from(void **state)
{
    (void)state;
    expect("heap_files.txt", FILES, &document_wide, false);
    expect("heap_files_all.txt", ALL_FILES, &document_wide, false);
}

static void a_listing_has_the_functions_that_allocated(void **state)
{
    (void)state;
    expect("heap_listing.txt", LISTING, &document_wide, false);
    expect("heap_listing_whole.txt", WHOLE, &document_wide, false);
}

static void a_listing_without_source_has_the_numbers(void **state)
{
    (void)state;
    struct mp_heap_source_text kept = document_app;
    document_app = (struct mp_heap_source_text){.why = "No such file or directory"};
    expect("heap_listing_no_source.txt", LISTING, &document_wide, false);
    document_app = kept;
    document_app.changed = true;
    char *text = render(LISTING, &document_wide, false);
    assert_non_null(strstr(text, "newer than the capture: lines may have moved\n"));
    free(text);
    document_app.changed = false;
}

static void json_is_the_golden_one(void **state)
{
    (void)state;
    expect("heap_report.json", REPORT_JSON, &document_wide, false);
    expect("heap_files.json", FILES_JSON, &document_wide, false);
    expect("heap_listing.json", LISTING_JSON, &document_wide, false);
}

static void what_is_missing_is_said_first(void **state)
{
    (void)state;
    struct mp_heap_capture capture;
    char *text = NULL;
    size_t size;
    example_read(&capture);
    struct mp_heap_header *header = capture.tables[0];
    header->untracked = 12345;
    header->untracked_bytes = 3 << 20;
    header->shortened = 7;
    header->series.refused = EDQUOT;
    capture.incomplete = "the file was cut short";
    FILE *stream = open_memstream(&text, &size);
    document_put(stream, REPORT, &capture, &document_wide, false);
    fclose(stream);
    mp_heap_capture_release(&capture);
    const char *said =
        strstr(text, "\nwarning: incomplete: the file was cut short\n"
                     "warning: not followed: 12,345 blocks of 3.0 MiB together");
    assert_non_null(said);
    said = strstr(said,
                  "\nwarning: 7 blocks lack callers, or are charged to them: no room for "
                  "more stacks: Disk quota exceeded\n"
                  "  lines of the program's own files are exact, those of libraries may "
                  "not be\n");
    assert_non_null(said);
    assert_true(said < strstr(text, "At the peak"));
    free(text);
}

static void sizes_and_counts_read_well(void **state)
{
    (void)state;
    char room[MP_HEAP_FIGURE];
    assert_string_equal(mp_heap_size(0, room), "0 B");
    assert_string_equal(mp_heap_size(1023, room), "1023 B");
    assert_string_equal(mp_heap_size(1024, room), "1.0 KiB");
    assert_string_equal(mp_heap_size(1048575, room), "1.0 MiB");
    assert_string_equal(mp_heap_size(INT64_MAX, room), "8192.0 PiB");
    assert_string_equal(mp_heap_size(-5, room), "-5 B");
    assert_string_equal(mp_heap_short_size(1536, room), "1.5K");
    assert_string_equal(mp_heap_short_size(12, room), "12B");
    assert_string_equal(mp_heap_count(999, room), "999");
    assert_string_equal(mp_heap_count(1000, room), "1,000");
    assert_string_equal(mp_heap_count(UINT64_MAX, room), "18,446,744,073,709,551,615");
}

static void an_estimate_is_shown_with_its_error(void **state)
{
    (void)state;
    char room[MP_HEAP_FIGURE];
    struct mp_heap_header header = {.sample = 0};
    assert_string_equal(mp_heap_estimate(&header, 1536, room), "1.5 KiB");
    assert_string_equal(mp_heap_tight_estimate(&header, 1536, room), "1.5 KiB");
    header.sample = 512 << 10;
    assert_string_equal(mp_heap_estimate(&header, 8 << 20, room), "8.0 MiB +-2.0 MiB");
    assert_string_equal(mp_heap_tight_estimate(&header, 8 << 20, room), "8.0M+-2.0M");
    assert_string_equal(mp_heap_tight_estimate(&header, 1 << 19, room), "512K+-512K");
    assert_string_equal(mp_heap_tight_estimate(&header, 0, room), "0B+-512K");
    header.sample = UINT64_MAX;
    assert_string_equal(mp_heap_tight_estimate(&header, INT64_MAX, room), "8192P+-4096P");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_report_is_the_golden_one),
        cmocka_unit_test(faults_67_narrow_ascii_cuts_no_number),
        cmocka_unit_test(our_own_frames_are_shown_when_asked_for),
        cmocka_unit_test(files_are_grouped_by_where_they_come_from),
        cmocka_unit_test(a_listing_has_the_functions_that_allocated),
        cmocka_unit_test(a_listing_without_source_has_the_numbers),
        cmocka_unit_test(json_is_the_golden_one),
        cmocka_unit_test(what_is_missing_is_said_first),
        cmocka_unit_test(sizes_and_counts_read_well),
        cmocka_unit_test(an_estimate_is_shown_with_its_error),
    };
    return cmocka_run_group_tests(tests, document_prepare, document_tidy);
}
