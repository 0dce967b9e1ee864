/* libFuzzer: any bytes as a heap capture, through everything that reads and prints one.
 *
 * A capture is mostly empty; the input is what is not. Numbers are two bytes:
 *     bytes of the header | of chunk 1 | .. of chunk 4 | where the file ends, in 8 bytes
 * and then those bytes, one after the other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aggregate/heap_merge.h"
#include "aggregate/heap_series.h"
#include "report/heap_json.h"
#include "report/heap_page_json.h"
#include "report/heap_table.h"
#include "report/heap_text.h"
#include "store/heap_read.h"

enum { PARTS = 5, NUMBERS = PARTS + 1 };

static size_t number(const unsigned char *bytes, int which)
{
    return (size_t)bytes[2 * which] | (size_t)bytes[2 * which + 1] << 8;
}

/* Writes the capture that the input stands for. */
static int unpack(const unsigned char *bytes, size_t length)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("capture", 0);
    size_t end = number(bytes, PARTS) * 8, at = 2 * NUMBERS;
    if (ftruncate(fd, 0))
        abort();
    for (int part = 0; part < PARTS; part++) {
        size_t left = length - at, said = number(bytes, part);
        size_t there = said < left ? said : left;
        if (pwrite(fd, bytes + at, there, (off_t)part * MP_HEAP_CHUNK) < 0)
            abort();
        at += there;
    }
    if (ftruncate(fd, (off_t)end))
        abort();
    return fd;
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
                       const struct mp_heap_paths *paths)
{
    struct mp_flame flame;
    struct mp_flame_options how = {0.001, 1000, 100, rows->view->header->pid % 2};
    struct mp_heap_page page = {.name = "x.mprof",
                                .flame = &flame,
                                .rows = rows,
                                .paths = paths,
                                .most = 4,
                                .source = source_of};
    if (mp_flame_init(&flame, rows->view, &how) || mp_heap_page_json(out, &page))
        abort();
    mp_flame_release(&flame);
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
        if (mp_heap_lines_init(&lines, view, own))
            abort();
        mp_heap_rows_init(&rows, view, &lines, by);
        mp_heap_rows_sort(&rows, by == MP_HEAP_EACH_LINE ? MP_HEAP_SHARE : MP_HEAP_TOTAL);
        print_tables(out, &rows, paths, NULL);
        if (by == MP_HEAP_EACH_LINE)
            print_page(out, &rows, paths);
        mp_heap_rows_release(&rows);
    }
}

static void print(FILE *out, const struct mp_heap_capture *capture,
                  const struct mp_heap_view *view)
{
    struct mp_heap_own own;
    struct mp_heap_lines lines;
    struct mp_heap_paths paths;
    if (mp_heap_own_init(&own, view) || mp_heap_paths_init(&paths, view, "/home"))
        abort();
    own.together = view->processes == 0;
    if (mp_heap_lines_init(&lines, view, &own))
        abort();
    struct mp_heap_text_options text = {.name = "x.mprof",
                                        .incomplete = capture->incomplete,
                                        .own = &own,
                                        .most = 10,
                                        .style = {.paths = &paths}};
    struct mp_heap_json_options json = {"x.mprof", capture->incomplete, &own};
    mp_heap_text(out, view, &lines, &text);
    mp_heap_json(out, view, &lines, &json);
    print_views(out, view, &lines, &json);
    print_rows(out, view, &own, &paths);
    mp_heap_paths_release(&paths);
    mp_heap_lines_release(&lines);
    mp_heap_own_release(&own);
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
    mp_heap_rows_init(&rows, merged, &lines, MP_HEAP_EACH_PROCESS);
    mp_heap_rows_sort(&rows, MP_HEAP_AT_PEAK);
    print_tables(out, &rows, NULL, &two);
    mp_heap_rows_release(&rows);
    mp_heap_processes_release(&two);
}

/* As two processes of a run. */
static void print_merged(FILE *out, const struct mp_heap_capture *capture)
{
    struct mp_heap_merge merge;
    if (mp_heap_merge_init(&merge) || mp_heap_merge_add(&merge, &capture->view) ||
        mp_heap_merge_add(&merge, &capture->view))
        abort();
    struct mp_heap_view view = mp_heap_merge_view(&merge);
    print(out, capture, &view);
    print_processes(out, capture, &view);
    mp_heap_merge_release(&merge);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t length)
{
    static FILE *nowhere;
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    if (length < 2 * NUMBERS)
        return 0;
    struct mp_heap_capture capture;
    if (mp_heap_read_fd(&capture, unpack(bytes, length)) == MP_HEAP_OK) {
        print(nowhere, &capture, &capture.view);
        print_merged(nowhere, &capture);
    }
    mp_heap_capture_release(&capture);
    return 0;
}
