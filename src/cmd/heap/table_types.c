#include "cmd/heap/table_types.h"

#include <stdlib.h>

#include "aggregate/heap/types.h"
#include "cmd/shared/command.h"
#include "report/heap/range.h"
#include "report/heap/types.h"

/* Marks and the peak may have a count of their own, where it was asked for. */
static int say_none_then(const struct mp_heap_views *views)
{
    const struct mp_heap_view *view = &views->run.view;
    char words[MP_HEAP_RANGE_WORDS];
    return mp_fail("%s does not say what its blocks are %s: 'mprof heap --types' counts "
                   "that at marks, near the peak and at the end",
                   views->path, mp_heap_range_words(view, words));
}

static bool has_peak(const struct mp_heap_view *view)
{
    for (size_t i = 0; i < view->counts[MP_HEAP_CENSUSES]; i++)
        if (view->censuses[i].stamp && view->censuses[i].of == MP_HEAP_CENSUS_PEAK)
            return true;
    return false;
}

/* It did not come to its end. */
static int say_none_at_end(const struct mp_heap_views *views)
{
    if (has_peak(&views->run.view))
        return mp_fail("%s does not say what its blocks are at its end: %s; '--at peak' "
                       "says what they were near the peak",
                       views->path, views->run.incomplete);
    return mp_fail("%s does not say what its blocks are: that is counted when a recording "
                   "ends, but %s; 'mprof heap --types' counts near the peak too, 'mprof "
                   "snapshot --types PID' when it is asked",
                   views->path, views->run.incomplete);
}

int mp_heap_check_types(const struct mp_heap_views *views)
{
    const struct mp_heap_view *view = &views->run.view;
    if (mp_heap_typing_at(view).row_count)
        return 0;
    if (view->range)
        return say_none_then(views);
    if (views->run.incomplete)
        return say_none_at_end(views);
    return mp_fail("%s does not say what its blocks are: that is counted when a recording "
                   "ends, where it is quick or 'mprof heap --types' asks for it",
                   views->path);
}

int mp_heap_print_types(struct mp_heap_views *views, bool by_line,
                        const struct mp_heap_table_options *how)
{
    const struct mp_heap_view *view = &views->run.view;
    struct mp_heap_typing typing = mp_heap_typing_at(view);
    struct mp_heap_type_rows rows;
    int code = mp_heap_check_types(views);
    if (code)
        return code;
    const struct mp_heap_line **lines =
        by_line ? mp_heap_lines_by_number(&views->lines) : NULL;
    if ((by_line && !lines) ||
        mp_heap_type_rows_init(&rows, &typing, by_line ? views->lines.places : NULL)) {
        free(lines);
        return mp_fail("out of memory");
    }
    mp_heap_types_print(stdout, view, &rows, lines, how);
    mp_heap_type_rows_release(&rows);
    free(lines);
    return MP_EXIT_OK;
}
