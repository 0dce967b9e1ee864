/* The views of a heap capture: the same tables give the same bytes. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "report/heap_annotated.h"
#include "report/heap_json.h"
#include "report/heap_summary.h"
#include "report/heap_text.h"
#include "store/heap_file.h"
#include "store/heap_read.h"

/* Unit n of each function is on its first line + n; unit 5 where unit 4 is. */
static const char lines[] = "\xd0\0\0\xd8\0\0\xd8\0\0\xd8\0\0\xd9\0\0";

static const struct function {
    const char *file, *name;
    int first;
} functions[] = {
    {"<frozen runpy>", "_run_code", 65},                                         /* 1 */
    {"/v/lib/python3.12/site-packages/memory_profiler/_heap_run.py", "run", 30}, /* 2 */
    {"/home/me/app.py", "<module>", 1},                                          /* 3 */
    {"/home/me/app.py", "load", 4},                                              /* 4 */
    {"/usr/lib/python3.12/json/decoder.py", "Decoder.decode", 300},              /* 5 */
    {"/v/lib/python3.12/site-packages/numpy/core.py", "zeros", 10},              /* 6 */
    {"/v/lib/python3.12/site-packages/numpy/lib/a.py", "pad", 20},               /* 7 */
    {"/home/me/pkg/__init__.py", "f\x1b[2J\xc3\xa9", 7},                         /* 8 */
    {"<frozen importlib._bootstrap>", "_load", 900},                             /* 9 */
    {"/usr/lib/python3.12/json/tool.py", "<module>", 1},                         /* 10 */
};

/* Of node 1 on; the figures are (bytes, blocks) at the peak, live, ever; temporary. */
static const struct stack {
    uint32_t parent, code, unit;
    int64_t at_peak, live;
    uint64_t total;
    uint32_t blocks_at_peak, live_blocks;
    uint64_t blocks, temporary;
} stacks[] = {
    {0, 1, 0, 0, 0, 0, 0, 0, 0, 0},                            /* 1 runpy */
    {1, 2, 3, 160, 0, 800, 1, 0, 16, 7},                       /* 2 _heap_run */
    {2, 3, 0, 2048, 2048, 4096, 2, 2, 4, 0},                   /* 3 app.py:1 */
    {3, 4, 1, 100 << 20, 512, 200 << 20, 1000, 1, 250000, 0},  /* 4 app.py:5 load */
    {4, 5, 3, 30 << 20, 0, 60 << 20, 40, 0, 1234567, 1200000}, /* 5 decoder.py:303 */
    {3, 5, 3, 10 << 20, 0, 20 << 20, 2, 0, 3, 1},              /* 6 the same elsewhere */
    {4, 4, 2, 0, 0, 0, 0, 0, 0, 0},                            /* 7 load in load */
    {7, 4, 2, 0, 0, 0, 0, 0, 0, 0},                            /* 8 and again */
    {8, 6, 0, 1 << 20, 1 << 20, 1 << 20, 3, 3, 3, 0},          /* 9 numpy */
    {3, 9, 0, 0, 0, 0, 0, 0, 0, 0},                            /* 10 importlib */
    {10, 8, 0, 1025, 0, 9999, 1, 0, 9, 9},                     /* 11 pkg */
    {9, 7, 4, 0, 4096, 4096, 0, 1, 1, 0},                      /* 12 numpy.lib */
    {0, 0, 0, 64, 64, 64, 1, 1, 1, 0},                         /* 13 no Python code */
    {9, 7, 5, 0, 1024, 1024, 0, 1, 1, 0},  /* 14 numpy.lib, again in that line */
    {2, 5, 1, 0, 0, 333, 0, 0, 3, 3},      /* 15 the library, at our start */
    {2, 10, 1, 0, 3000, 3000, 0, 1, 1, 0}, /* 16 the library as the program */
};

static const char source[] = "from pkg import f\n"
                             "class A:\n"
                             "    pass\n"
                             "def load(path):\n"
                             "\trows = list(open(path))  # \xc3\xa9\x1b\n"
                             "\treturn rows\r\n"
                             "\n"
                             "x = load('a')\n";

static struct mp_heap_text put_text(struct mp_heap *heap, const char *text, size_t length)
{
    uint32_t at = (uint32_t)heap->header->counts[MP_HEAP_TEXT];
    assert_int_equal(mp_heap_reserve(heap, MP_HEAP_TEXT, length), 0);
    memcpy(heap->text + at, text, length);
    heap->header->counts[MP_HEAP_TEXT] += length;
    return (struct mp_heap_text){at, (uint32_t)length};
}

static void put_codes(struct mp_heap *heap)
{
    size_t count = sizeof functions / sizeof *functions;
    assert_int_equal(mp_heap_reserve(heap, MP_HEAP_CODES, count), 0);
    for (size_t i = 0; i < count; i++) {
        const struct function *function = &functions[i];
        heap->codes[heap->header->counts[MP_HEAP_CODES]++] = (struct mp_heap_code){
            .name = put_text(heap, function->name, strlen(function->name)),
            .file = put_text(heap, function->file, strlen(function->file)),
            .lines = put_text(heap, lines, sizeof lines - 1),
            .first_line = function->first};
    }
}

static void put_nodes(struct mp_heap *heap)
{
    size_t count = sizeof stacks / sizeof *stacks;
    assert_int_equal(mp_heap_reserve(heap, MP_HEAP_NODES, count), 0);
    for (size_t i = 0; i < count; i++) {
        const struct stack *stack = &stacks[i];
        heap->nodes[heap->header->counts[MP_HEAP_NODES]++] =
            (struct mp_heap_node){.parent = stack->parent,
                                  .code = stack->code,
                                  .instruction = stack->unit,
                                  .epoch = heap->header->epoch,
                                  .live = stack->live,
                                  .at_peak = stack->at_peak,
                                  .total = stack->total,
                                  .blocks = stack->blocks,
                                  .live_blocks = stack->live_blocks,
                                  .at_peak_blocks = stack->blocks_at_peak,
                                  .temporary = stack->temporary};
    }
}

/* Near the peak, where a GiB of the heap was never touched and the parts are more than there is;
   and at the end, where malloc's figures could not be had. */
static void put_balance(struct mp_heap_balance balance[MP_HEAP_MOMENTS])
{
    balance[MP_HEAP_NEAR_PEAK] = (struct mp_heap_balance){.time = 550000000,
                                                          .rss = 150 << 20,
                                                          .shared = 11 << 20,
                                                          .heap = 135 << 20,
                                                          .small = 30 << 20,
                                                          .mapped = 4 << 20,
                                                          .absent = 25 << 20,
                                                          .mapped_shared = 2 << 20,
                                                          .arenas = 40 << 20,
                                                          .pooled = 32 << 20,
                                                          .malloc_used = 103 << 20,
                                                          .malloc_free = 3 << 20,
                                                          .stacks = 160 << 10,
                                                          .libraries = 5 << 20,
                                                          .own = 12 << 20,
                                                          .own_shared = 1 << 20};
    balance[MP_HEAP_AT_END] = balance[MP_HEAP_NEAR_PEAK];
    balance[MP_HEAP_AT_END].rss = 160 << 20;
    balance[MP_HEAP_AT_END].heap = 1056960;
    balance[MP_HEAP_AT_END].small = 4096;
    balance[MP_HEAP_AT_END].absent = 0;
    balance[MP_HEAP_AT_END].malloc_used = -1;
    balance[MP_HEAP_AT_END].malloc_free = -1;
}

static void put_header(struct mp_heap_header *header)
{
    static const struct mp_heap_point points[] = {{0, 20 << 20, 1 << 20},
                                                  {500000000, 90 << 20, 60 << 20},
                                                  {900000000, 160 << 20, 2 << 20}};
    static const char command[MP_HEAP_COMMAND] =
        "python\0-m\0memory_profiler._heap_run\0a.mprof\0--\0app.py\0a\x1b b";
    memcpy(header->command, command, sizeof command);
    header->epoch = 7;
    header->pid = 4242;
    header->wall_start = 1795600000123456789;
    header->elapsed = 1000000000;
    header->peak = 141 << 20;
    header->live = 1059960;
    header->peak_time = 600000000;
    memcpy(header->series.points[0], points, sizeof points);
    header->series.count[0] = 3;
    put_balance(header->balance);
}

/* Two that together did what the stacks say. */
static void put_threads(struct mp_heap *heap)
{
    struct mp_heap_thread first = {4242, 1 << 20, 1 << 19, 1000, 999, 0},
                          second = {.id = 4243};
    uint64_t live_blocks = 0;
    for (size_t i = 0; i < sizeof stacks / sizeof *stacks; i++) {
        second.allocated += stacks[i].total;
        second.blocks += stacks[i].blocks;
        second.temporary += stacks[i].temporary;
        live_blocks += stacks[i].live_blocks;
    }
    second.allocated -= first.allocated;
    second.freed = second.allocated;
    second.blocks -= first.blocks;
    second.frees = second.blocks + first.blocks - live_blocks - first.frees;
    assert_int_equal(mp_heap_reserve(heap, MP_HEAP_THREADS, 2), 0);
    struct mp_heap_thread *at = &heap->threads[heap->header->counts[MP_HEAP_THREADS]];
    at[0] = first;
    at[1] = second;
    heap->header->counts[MP_HEAP_THREADS] += 2;
}

static const char *write_capture(void)
{
    static char path[64];
    struct mp_heap_file file;
    snprintf(path, sizeof path, "/tmp/heap-views-%d", (int)getpid());
    unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_int_equal(mp_heap_file_open(&file, fd, path), 0);
    put_header(file.heap.header);
    put_codes(&file.heap);
    put_nodes(&file.heap);
    put_threads(&file.heap);
    assert_int_equal(mp_heap_file_finish(&file), 0);
    mp_heap_file_release(&file);
    return path;
}

static void read_capture(struct mp_heap_capture *capture)
{
    const char *path = write_capture();
    assert_int_equal(mp_heap_read(capture, path), MP_HEAP_OK);
    unlink(path);
}

static struct mp_heap_source_text app;

static const char *source_line(void *context, const struct mp_heap_view *view,
                               struct mp_heap_text file, int line, size_t *length)
{
    (void)context;
    bool its =
        file.length == 15 && !memcmp(view->text + file.offset, "/home/me/app.py", 15);
    return its ? mp_heap_source_at(&app, line, length) : NULL;
}

enum document {
    REPORT,
    FILES,
    ALL_FILES,
    LISTING,
    WHOLE,
    REPORT_JSON,
    FILES_JSON,
    LISTING_JSON
};

static struct mp_heap_text app_file(const struct mp_heap_view *view)
{
    return view->counts[MP_HEAP_CODES] > 3 ? view->codes[3].file : (struct mp_heap_text){0};
}

static void put_document(FILE *out, enum document what,
                         const struct mp_heap_capture *capture,
                         const struct mp_heap_style *style, bool all_frames)
{
    const struct mp_heap_view *view = &capture->view;
    struct mp_heap_own own;
    struct mp_heap_lines rows;
    struct mp_heap_groups groups;
    struct mp_heap_listing listing;
    assert_int_equal(mp_heap_own_init(&own, view), 0);
    own.together = what == REPORT;
    const struct mp_heap_own *hidden = all_frames ? NULL : &own;
    assert_int_equal(mp_heap_lines_init(&rows, view, hidden), 0);
    assert_int_equal(mp_heap_groups_init(&groups, view, &rows, what == ALL_FILES), 0);
    assert_int_equal(mp_heap_listing_init(&listing, view, &rows, app_file(view)), 0);
    struct mp_heap_json_options json = {"a.mprof", capture->incomplete, hidden};
    struct mp_heap_paths paths;
    assert_int_equal(mp_heap_paths_init(&paths, view, "/home/me"), 0);
    struct mp_heap_style shown = *style;
    shown.paths = &paths;
    struct mp_heap_text_options text = {.name = "a.mprof",
                                        .incomplete = capture->incomplete,
                                        .own = hidden,
                                        .most = 3,
                                        .source = source_line,
                                        .style = shown};
    switch (what) {
    case REPORT:
        mp_heap_text(out, view, &rows, &text);
        break;
    case FILES:
    case ALL_FILES:
        assert_int_equal(mp_heap_groups_text(out, view, &groups, &shown, 4, 0), 0);
        break;
    case LISTING:
    case WHOLE:
        mp_heap_listing_text(out, view, &listing, &app, &shown, what == WHOLE);
        break;
    case REPORT_JSON:
        mp_heap_json(out, view, &rows, &json);
        break;
    case FILES_JSON:
        mp_heap_groups_json(out, view, &groups, &json);
        break;
    case LISTING_JSON:
        mp_heap_listing_json(out, view, &listing, &app, &json);
        break;
    }
    mp_heap_paths_release(&paths);
    mp_heap_listing_release(&listing);
    mp_heap_groups_release(&groups);
    mp_heap_lines_release(&rows);
    mp_heap_own_release(&own);
}

static const struct mp_heap_style wide = {.width = 100, .utf8 = true};

static char *render(enum document what, const struct mp_heap_style *style, bool all_frames)
{
    struct mp_heap_capture capture;
    char *text = NULL;
    size_t size;
    read_capture(&capture);
    FILE *stream = open_memstream(&text, &size);
    put_document(stream, what, &capture, style, all_frames);
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

static int prepare(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    return mp_heap_source_init(&app, source, sizeof source - 1);
}

static int tidy(void **state)
{
    (void)state;
    mp_heap_source_release(&app);
    return 0;
}

static const struct mp_heap_style narrow = {.width = 20};
static const struct mp_heap_style pipe_style = {.utf8 = true};
static const struct mp_heap_style drawn = {.width = 80, .utf8 = true, .drawings = true};

static void the_report_is_the_golden_one(void **state)
{
    (void)state;
    expect("heap_report.txt", REPORT, &wide, false);
    expect("heap_report_drawn.txt", REPORT, &drawn, false);
    expect("heap_report_pipe.txt", REPORT, &pipe_style, false);
}

static void faults_67_narrow_ascii_cuts_no_number(void **state)
{
    (void)state;
    expect("heap_report_narrow.txt", REPORT, &narrow, false);
    expect("heap_listing_narrow.txt", LISTING, &narrow, false);
    char *text = render(REPORT, &narrow, false);
    for (const char *at = text; *at; at++)
        assert_true(*at == '\n' || (*at >= ' ' && *at < 127));
    free(text);
}

static void our_own_frames_are_shown_when_asked_for(void **state)
{
    (void)state;
    expect("heap_report_all_frames.txt", REPORT, &wide, true);
    char *text = render(REPORT, &wide, false);
    assert_null(strstr(text, "runpy"));
    assert_null(strstr(text, "_heap_run"));
    assert_null(strstr(text, "importlib"));
    free(text);
}

static void files_are_grouped_by_where_they_come_from(void **state)
{
    (void)state;
    expect("heap_files.txt", FILES, &wide, false);
    expect("heap_files_all.txt", ALL_FILES, &wide, false);
}

static void a_listing_has_the_functions_that_allocated(void **state)
{
    (void)state;
    expect("heap_listing.txt", LISTING, &wide, false);
    expect("heap_listing_whole.txt", WHOLE, &wide, false);
}

static void a_listing_without_source_has_the_numbers(void **state)
{
    (void)state;
    struct mp_heap_source_text kept = app;
    app = (struct mp_heap_source_text){.why = "No such file or directory"};
    expect("heap_listing_no_source.txt", LISTING, &wide, false);
    app = kept;
    app.changed = true;
    char *text = render(LISTING, &wide, false);
    assert_non_null(strstr(text, "newer than the capture: lines may have moved\n"));
    free(text);
    app.changed = false;
}

static void json_is_the_golden_one(void **state)
{
    (void)state;
    expect("heap_report.json", REPORT_JSON, &wide, false);
    expect("heap_files.json", FILES_JSON, &wide, false);
    expect("heap_listing.json", LISTING_JSON, &wide, false);
}

static void what_is_missing_is_said_first(void **state)
{
    (void)state;
    struct mp_heap_capture capture;
    char *text = NULL;
    size_t size;
    read_capture(&capture);
    struct mp_heap_header *header = capture.tables[0];
    header->untracked = 12345;
    header->untracked_bytes = 3 << 20;
    header->shortened = 7;
    header->series.refused = EDQUOT;
    capture.incomplete = "the file was cut short";
    FILE *stream = open_memstream(&text, &size);
    put_document(stream, REPORT, &capture, &wide, false);
    fclose(stream);
    mp_heap_capture_release(&capture);
    const char *said =
        strstr(text, "\nwarning: incomplete: the file was cut short\n"
                     "warning: not followed: 12,345 blocks of 3.0 MiB together");
    assert_non_null(said);
    said =
        strstr(said, "\nwarning: 7 blocks are charged to callers of their lines: the file "
                     "has no room for more stacks: Disk quota exceeded\n");
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

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

/* The bytes that mean something: the header, and the first of each table. */
static size_t random_place(void)
{
    static const size_t used[] = {0, 64 * 17, 40 * 11, 400, 48 * 3};
    size_t chunk = next_random() % 5;
    size_t span = chunk ? used[chunk] : sizeof(struct mp_heap_header);
    if (!chunk && next_random() % 2)
        span = offsetof(struct mp_heap_header, owners) + 16;
    return chunk * MP_HEAP_CHUNK + next_random() % span;
}

static void put_all(const struct mp_heap_capture *capture)
{
    FILE *out = fopen("/dev/null", "w");
    for (enum document what = REPORT; what <= LISTING_JSON; what++)
        put_document(out, what, capture, what % 2 ? &narrow : &wide, what % 3 == 0);
    fclose(out);
}

static void faults_18_no_mutation_of_a_file_harms_a_view(void **state)
{
    (void)state;
    const char *path = write_capture();
    int fd = open(path, O_RDWR), shown = 0;
    for (int round = 0; round < 3000; round++) {
        struct mp_heap_capture capture;
        uint64_t value = next_random() % 3 ? next_random() : UINT64_MAX, before = 0;
        size_t at = random_place(), span = next_random() % 3 ? 1 : 8;
        assert_int_equal(pread(fd, &before, span, (off_t)at), (ssize_t)span);
        assert_int_equal(pwrite(fd, &value, span, (off_t)at), (ssize_t)span);
        if (mp_heap_read_fd(&capture, fd) == MP_HEAP_OK) {
            put_all(&capture);
            shown++;
        }
        mp_heap_capture_release(&capture);
        assert_int_equal(pwrite(fd, &before, span, (off_t)at), (ssize_t)span);
    }
    assert_true(shown > 300);
    close(fd);
    unlink(path);
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
        cmocka_unit_test(faults_18_no_mutation_of_a_file_harms_a_view),
    };
    return cmocka_run_group_tests(tests, prepare, tidy);
}
