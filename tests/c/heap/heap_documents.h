/* The views of a heap capture, written as any of the documents that mprof makes of them. */
#ifndef MP_TESTS_HEAP_DOCUMENTS_H
#define MP_TESTS_HEAP_DOCUMENTS_H

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "report/heap/annotated.h"
#include "report/heap/json.h"
#include "report/heap/summary.h"
#include "report/heap/text.h"
#include "store/heap/read.h"

static const char document_source[] = "from pkg import f\n"
                                      "class A:\n"
                                      "    pass\n"
                                      "def load(path):\n"
                                      "\trows = list(open(path))  # \xc3\xa9\x1b\n"
                                      "\treturn rows\r\n"
                                      "\n"
                                      "x = load('a')\n";

static struct mp_heap_source_text document_app;

static inline const char *document_line(void *context, const struct mp_heap_view *view,
                                        struct mp_heap_text file, int line, size_t *length)
{
    (void)context;
    bool its =
        file.length == 15 && !memcmp(view->text + file.offset, "/home/me/app.py", 15);
    return its ? mp_heap_source_at(&document_app, line, length) : NULL;
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

static inline struct mp_heap_text document_file(const struct mp_heap_view *view)
{
    return view->counts[MP_HEAP_CODES] > 3 ? view->codes[3].file : (struct mp_heap_text){0};
}

static inline void document_put(FILE *out, enum document what,
                                const struct mp_heap_capture *capture,
                                const struct mp_heap_style *style, bool all_frames)
{
    const struct mp_heap_view *view = &capture->view;
    struct mp_heap_own own;
    struct mp_heap_lines rows;
    struct mp_heap_your_lines yours;
    struct mp_heap_groups groups;
    struct mp_heap_listing listing;
    assert_int_equal(mp_heap_own_init(&own, view), 0);
    own.together = what == REPORT;
    const struct mp_heap_own *hidden = all_frames ? NULL : &own;
    assert_int_equal(mp_heap_lines_init(&rows, view, hidden), 0);
    assert_int_equal(mp_heap_your_lines_init(&yours, view, &rows), 0);
    assert_int_equal(mp_heap_groups_init(&groups, view, &rows, what == ALL_FILES), 0);
    assert_int_equal(mp_heap_listing_init(&listing, view, &rows, document_file(view)), 0);
    struct mp_heap_json_options json = {"a.mprof", capture->incomplete};
    struct mp_heap_paths paths;
    assert_int_equal(mp_heap_paths_init(&paths, view, "/home/me"), 0);
    struct mp_heap_style shown = *style;
    shown.paths = &paths;
    struct mp_heap_text_options text = {.name = "a.mprof",
                                        .incomplete = capture->incomplete,
                                        .most = 3,
                                        .source = document_line,
                                        .style = shown};
    switch (what) {
    case REPORT:
        mp_heap_text(out, view, &rows, all_frames ? NULL : &yours, &text);
        break;
    case FILES:
    case ALL_FILES:
        assert_int_equal(mp_heap_groups_text(out, view, &groups, &shown, 4, 0), 0);
        break;
    case LISTING:
    case WHOLE:
        mp_heap_listing_text(out, view, &listing, &document_app, &shown, what == WHOLE);
        break;
    case REPORT_JSON:
        mp_heap_json(out, view, &rows, &yours, &json);
        break;
    case FILES_JSON:
        mp_heap_groups_json(out, view, &groups, &json);
        break;
    case LISTING_JSON:
        mp_heap_listing_json(out, view, &listing, &document_app, &json);
        break;
    }
    mp_heap_paths_release(&paths);
    mp_heap_listing_release(&listing);
    mp_heap_groups_release(&groups);
    mp_heap_your_lines_release(&yours);
    mp_heap_lines_release(&rows);
    mp_heap_own_release(&own);
}

static const struct mp_heap_style document_wide = {.width = 100, .utf8 = true};
static const struct mp_heap_style document_narrow = {.width = 20};

static inline int document_prepare(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    return mp_heap_source_init(&document_app, document_source, sizeof document_source - 1);
}

static inline int document_tidy(void **state)
{
    (void)state;
    mp_heap_source_release(&document_app);
    return 0;
}

#endif
