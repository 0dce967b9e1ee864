/* libFuzzer: any bytes as a heap capture, through everything that reads and prints one.
 *
 * A capture is mostly empty; the input is what is not. Numbers are two bytes:
 *     bytes of the header | of it from `run` on | from `period` on | of chunk 1 | .. of chunk 5
 *     | of chunk 6 | of its second half
 *     | where the file ends, in 8 bytes
 * and then those bytes, one after the other. What follows is another process's capture in the same
 * way, of the same run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aggregate/heap/merge.h"
#include "aggregate/heap/moments.h"
#include "aggregate/heap/series.h"
#include "report/heap/holders.h"
#include "report/heap/types.h"
#include "report/heap/diff_page.h"
#include "report/heap/json.h"
#include "report/heap/leaks.h"
#include "report/heap/page_json.h"
#include "report/heap/table.h"
#include "report/heap/text.h"
#include "store/heap/read.h"

enum { PARTS = 10, NUMBERS = PARTS + 1 };

/* Of a chunk of entries each half is a moment's. */
static off_t start_of(int part)
{
    static const off_t header[] = {0, offsetof(struct mp_heap_header, run),
                                   offsetof(struct mp_heap_header, period)};
    off_t chunk = part - 2;
    return part < 3           ? header[part]
           : part < PARTS - 1 ? chunk * MP_HEAP_CHUNK
                              : (chunk - 1) * MP_HEAP_CHUNK + MP_HEAP_CHUNK / 2;
}

static size_t number(const unsigned char *bytes, int which)
{
    return (size_t)bytes[2 * which] | (size_t)bytes[2 * which + 1] << 8;
}

/* Writes the capture that the input stands for; returns how much of the input it took. */
static size_t unpack(int fd, const unsigned char *bytes, size_t length)
{
    size_t end = number(bytes, PARTS) * 8, at = 2 * NUMBERS;
    if (ftruncate(fd, 0))
        abort();
    for (int part = 0; part < PARTS; part++) {
        size_t left = length - at, said = number(bytes, part);
        size_t there = said < left ? said : left;
        if (pwrite(fd, bytes + at, there, start_of(part)) < 0)
            abort();
        at += there;
    }
    if (ftruncate(fd, (off_t)end))
        abort();
    return at;
}

static void print_views(FILE *out, const struct mp_heap_view *view,
                        struct mp_heap_lines *lines,
                        const struct mp_heap_json_options *json)
{
    struct mp_heap_groups groups;
    struct mp_heap_listing listing;
    struct mp_heap_point buckets[20];
    if (mp_heap_groups_init(&groups, view, lines, true))
        abort();
    mp_heap_groups_json(out, view, &groups, json);
    mp_heap_groups_release(&groups);
    mp_heap_buckets(view, buckets, 20);
    for (size_t i = 0; i < lines->count && i < 2; i++) {
        if (mp_heap_listing_init(&listing, view, lines,
                                 view->codes[lines->lines[i].code].file))
            abort();
        mp_heap_listing_release(&listing);
    }
}

static const char *source_of(void *context, const struct mp_heap_view *view,
                             struct mp_heap_text file, int line, size_t *length)
{
    (void)context, (void)view, (void)file;
    *length = 5;
    return line % 2 ? "x = 1" : NULL;
}

static void print_page(FILE *out, const struct mp_heap_rows *rows,
                       const struct mp_heap_your_lines *yours,
                       const struct mp_heap_paths *paths)
{
    struct mp_flame flames[2];
    struct mp_flame_moments moments[2];
    struct mp_flame_types types[2];
    struct mp_heap_censuses censuses;
    struct mp_heap_instant instants[MP_HEAP_INSTANTS];
    struct mp_flame_options how = {.least = 0.001,
                                   .most = 1000,
                                   .depth = 100,
                                   .fold = rows->view->header->pid % 2 * 4};
    struct mp_heap_page page = {.name = "x.mprof",
                                .graphs = {&flames[0], &flames[1]},
                                .graph_count = 2,
                                .moments = {&moments[0], &moments[1]},
                                .instants = instants,
                                .instant_count = mp_heap_instants(rows->view, instants),
                                .rows = rows,
                                .yours = yours,
                                .paths = paths,
                                .most = 4,
                                .source = source_of,
                                .censuses = &censuses,
                                .typed = {&types[0], &types[1]}};
    page.known = page.instant_count;
    if (mp_heap_censuses_init(&censuses, rows->view, page.instants, page.known))
        abort();
    for (size_t i = 0; i < 2; i++) {
        how.inverted = i;
        how.placed = true;
        if (mp_flame_init(&flames[i], rows->view, &how) ||
            mp_flame_moments_init(&moments[i], rows->view, &flames[i], page.instants,
                                  page.instant_count) ||
            mp_flame_types_init(&types[i], &censuses, &flames[i]))
            abort();
    }
    if (mp_heap_page_json(out, &page))
        abort();
    mp_flame_types_release(&types[0]);
    mp_flame_types_release(&types[1]);
    mp_heap_censuses_release(&censuses);
    mp_flame_moments_release(&moments[0]);
    mp_flame_moments_release(&moments[1]);
    mp_flame_release(&flames[0]);
    mp_flame_release(&flames[1]);
}

static void print_tables(FILE *out, const struct mp_heap_rows *rows,
                         const struct mp_heap_paths *paths,
                         const struct mp_heap_processes *processes)
{
    struct mp_heap_style style = {.width = 80, .paths = paths};
    struct mp_heap_table_options how = {.most = 4, .style = &style, .processes = processes};
    for (how.form = 0; how.form <= MP_HEAP_TABLE_JSON; how.form++)
        mp_heap_table_print(out, rows, &how);
}

/* Each in its order; the page has the lines. */
static void print_rows(FILE *out, const struct mp_heap_view *view,
                       const struct mp_heap_own *own, const struct mp_heap_paths *paths)
{
    for (enum mp_heap_grouping by = 0; by <= MP_HEAP_EACH_MODULE; by++) {
        struct mp_heap_lines lines;
        struct mp_heap_rows rows;
        struct mp_heap_your_lines yours;
        if (mp_heap_lines_init(&lines, view, own) ||
            mp_heap_your_lines_init(&yours, view, &lines) ||
            mp_heap_rows_init(&rows, view, &lines, by))
            abort();
        mp_heap_rows_sort(&rows, by == MP_HEAP_EACH_LINE ? MP_HEAP_SHARE : MP_HEAP_TOTAL);
        print_tables(out, &rows, paths, NULL);
        if (by == MP_HEAP_EACH_LINE)
            print_page(out, &rows, &yours, paths);
        mp_heap_your_lines_release(&yours);
        mp_heap_rows_release(&rows);
    }
}

/* By type, and by line and type. */
static void print_types(FILE *out, const struct mp_heap_view *view,
                        const struct mp_heap_lines *lines,
                        const struct mp_heap_type_rows *by_line,
                        const struct mp_heap_paths *paths)
{
    struct mp_heap_style style = {.width = 80, .paths = paths};
    struct mp_heap_table_options how = {.most = 4, .style = &style};
    const struct mp_heap_line **numbers = mp_heap_lines_by_number(lines);
    struct mp_heap_typing typing = mp_heap_typing_at(view);
    struct mp_heap_type_rows rows;
    if (!numbers || mp_heap_type_rows_init(&rows, &typing, NULL))
        abort();
    for (how.form = 0; how.form <= MP_HEAP_TABLE_JSON; how.form++) {
        mp_heap_types_print(out, view, &rows, NULL, &how);
        mp_heap_types_print(out, view, by_line, numbers, &how);
    }
    mp_heap_type_rows_release(&rows);
    free(numbers);
}

/* All of them, and of what depends on the input. */
static void print_holders(FILE *out, const struct mp_heap_view *view,
                          const struct mp_heap_paths *paths,
                          const struct mp_heap_json_options *json)
{
    struct mp_heap_style style = {.width = 80, .paths = paths};
    struct mp_heap_holders_report report = {
        .view = view,
        .type = view->header->pid % 3 == 1 ? "Node" : NULL,
        .line = view->header->pid % 3 == 2 ? "app.py:12" : NULL,
        .waste = view->header->pid % 5 == 4,
        .style = &style};
    mp_heap_holders_text(out, &report);
    mp_heap_holders_json(out, &report, json);
    struct mp_heap_owners_kept owners;
    if (mp_heap_owners_keep(&owners, view, (uint64_t)view->header->pid % 7 + 1))
        abort();
    mp_heap_owners_release(&owners);
}

static void print(FILE *out, const struct mp_heap_capture *capture,
                  const struct mp_heap_view *view)
{
    struct mp_heap_own own;
    struct mp_heap_lines lines;
    struct mp_heap_your_lines yours;
    struct mp_heap_paths paths;
    if (mp_heap_own_init(&own, view) || mp_heap_paths_init(&paths, view, "/home"))
        abort();
    own.together = view->processes == 0;
    if (mp_heap_lines_init(&lines, view, &own) ||
        mp_heap_your_lines_init(&yours, view, &lines))
        abort();
    struct mp_heap_typing typing = mp_heap_typing_at(view);
    struct mp_heap_type_rows types;
    if (mp_heap_type_rows_init(&types, &typing, lines.places))
        abort();
    struct mp_heap_text_options text = {.name = "x.mprof",
                                        .incomplete = capture->incomplete,
                                        .types = &types,
                                        .most = 10,
                                        .style = {.paths = &paths}};
    struct mp_heap_json_options json = {
        .name = "x.mprof", .incomplete = capture->incomplete, .types = &types};
    mp_heap_text(out, view, &lines, &yours, &text);
    mp_heap_json(out, view, &lines, &yours, &json);
    print_views(out, view, &lines, &json);
    print_rows(out, view, &own, &paths);
    print_types(out, view, &lines, &types, &paths);
    print_holders(out, view, &paths, &json);
    mp_heap_type_rows_release(&types);
    mp_heap_paths_release(&paths);
    mp_heap_your_lines_release(&yours);
    mp_heap_lines_release(&lines);
    mp_heap_own_release(&own);
}

static void print_leaks(FILE *out, const struct mp_heap_side *side)
{
    struct mp_heap_leaks leaks;
    struct mp_heap_leaks_view what = {.leaks = &leaks,
                                      .view = side->view,
                                      .lines = side->lines,
                                      .name = "x.mprof",
                                      .source = source_of};
    if (mp_heap_leaks_init(&leaks, side->view, side->own, side->lines,
                           side->view->header->elapsed / 4))
        abort();
    mp_heap_leaks_text(out, &what);
    mp_heap_leaks_json(out, &what);
    mp_heap_leaks_release(&leaks);
}

/* By what depends on the input: each takes its time. */
static void print_diff(FILE *out, const struct mp_heap_side sides[MP_HEAP_SIDES])
{
    struct mp_heap_diff diff;
    struct mp_diff_flame flame;
    struct mp_heap_diff_view view = {.diff = &diff,
                                     .sides = {{.name = "x.mprof"}, {.name = "y.mprof"}}};
    struct mp_heap_diff_page page = {&view, &flame};
    uint64_t by = (uint64_t)sides[0].view->header->pid % MP_HEAP_DIFF_PROCESS;
    if (mp_heap_diff_init(&diff, sides, (enum mp_heap_diff_by)by, MP_HEAP_MEASURE_PEAK) ||
        mp_diff_flame_init(&flame, &diff, 100))
        abort();
    mp_heap_diff_text(out, &view);
    mp_heap_diff_json(out, &view);
    mp_heap_diff_csv(out, &view);
    mp_heap_diff_github(out, &view, "/home");
    mp_heap_diff_page_json(out, &page);
    mp_diff_flame_release(&flame);
    mp_heap_diff_release(&diff);
}

static void compare(FILE *out, const struct mp_heap_view *const views[MP_HEAP_SIDES])
{
    struct mp_heap_own own[MP_HEAP_SIDES];
    struct mp_heap_stacks stacks[MP_HEAP_SIDES];
    struct mp_heap_side sides[MP_HEAP_SIDES];
    for (int i = 0; i < MP_HEAP_SIDES; i++) {
        if (mp_heap_own_init(&own[i], views[i]) ||
            mp_heap_stacks_init(&stacks[i], views[i]))
            abort();
        sides[i] =
            (struct mp_heap_side){views[i], &own[i], stacks[i].lines, source_of, NULL};
        print_leaks(out, &sides[i]);
    }
    print_diff(out, sides);
    for (int i = 0; i < MP_HEAP_SIDES; i++) {
        mp_heap_stacks_release(&stacks[i]);
        mp_heap_own_release(&own[i]);
    }
}

static void print_processes(FILE *out, const struct mp_heap_capture *capture,
                            const struct mp_heap_view *merged)
{
    static const struct mp_heap_style style = {.width = 80};
    struct mp_heap_processes two = {0};
    struct mp_heap_lines lines;
    struct mp_heap_rows rows;
    if (mp_heap_processes_add(&two, "x.mprof", &capture->view) ||
        mp_heap_processes_add(&two, "x.mprof.1", &capture->view) ||
        mp_heap_process_lines(&lines, &two))
        abort();
    mp_heap_put_processes(out, merged->header, &two, 2, &style);
    mp_heap_put_process_sheets(out, merged->header, &two, 1, &style);
    mp_heap_processes_json(out, &two);
    if (mp_heap_rows_init(&rows, merged, &lines, MP_HEAP_EACH_PROCESS))
        abort();
    mp_heap_rows_sort(&rows, MP_HEAP_AT_PEAK);
    print_tables(out, &rows, NULL, &two);
    mp_heap_rows_release(&rows);
    mp_heap_processes_release(&two);
}

/* As it was at a moment, and what grew until another; twice, as two processes. */
static void print_shown(FILE *out, const struct mp_heap_capture *capture,
                        const struct mp_heap_range *range)
{
    struct mp_heap_shown shown;
    struct mp_heap_merge merge;
    if (mp_heap_shown_init(&shown, &capture->view, range))
        abort();
    print(out, capture, &shown.view);
    if (mp_heap_merge_init(&merge) || mp_heap_merge_add(&merge, &shown.view) ||
        mp_heap_merge_add(&merge, &shown.view))
        abort();
    struct mp_heap_view view = mp_heap_merge_view(&merge);
    view.range = range;
    print(out, capture, &view);
    mp_heap_merge_release(&merge);
    mp_heap_shown_release(&shown);
}

static void print_moments(FILE *out, const struct mp_heap_capture *capture)
{
    struct mp_heap_instant instants[MP_HEAP_INSTANTS];
    size_t count = mp_heap_instants(&capture->view, instants);
    struct mp_heap_range at = {.is_at = true, .to = instants[count / 2]};
    struct mp_heap_range growth = {.from = instants[count / 2], .to = instants[count - 1]};
    print_shown(out, capture, capture->view.header->pid % 2 ? &at : &growth);
}

/* As two processes of a run. */
static void print_merged(FILE *out, const struct mp_heap_capture *capture,
                         const struct mp_heap_capture *other)
{
    struct mp_heap_merge merge;
    if (mp_heap_merge_init(&merge) || mp_heap_merge_add(&merge, &capture->view) ||
        mp_heap_merge_add(&merge, &other->view))
        abort();
    struct mp_heap_view view = mp_heap_merge_view(&merge);
    print(out, capture, &view);
    print_processes(out, capture, &view);
    mp_heap_merge_release(&merge);
}

/* Reads what is in front of the rest of the input. */
static bool take(struct mp_heap_capture *capture, const unsigned char **bytes,
                 size_t *length)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("capture", 0);
    *capture = (struct mp_heap_capture){0};
    if (*length < 2 * NUMBERS)
        return false;
    size_t taken = unpack(fd, *bytes, *length);
    *bytes += taken;
    *length -= taken;
    return mp_heap_read_fd(capture, fd) == MP_HEAP_OK;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t length)
{
    static FILE *nowhere;
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    struct mp_heap_capture capture, other;
    bool is_read = take(&capture, &bytes, &length);
    bool are_two = is_read && take(&other, &bytes, &length);
    if (is_read) {
        print(nowhere, &capture, &capture.view);
        if (capture.view.counts[MP_HEAP_MOMENTS])
            print_moments(nowhere, &capture);
        print_merged(nowhere, &capture, are_two ? &other : &capture);
        const struct mp_heap_view *views[] = {&capture.view,
                                              are_two ? &other.view : &capture.view};
        compare(nowhere, views);
    }
    if (are_two)
        print_merged(nowhere, &other, &capture);
    if (is_read)
        mp_heap_capture_release(&other);
    mp_heap_capture_release(&capture);
    return 0;
}
