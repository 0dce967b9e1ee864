#include "report/heap/text.h"

#include <stdlib.h>
#include <string.h>

#include "report/heap/balance.h"
#include "report/heap/death.h"
#include "report/heap/growth.h"
#include "report/heap/killed.h"
#include "report/heap/lines_table.h"
#include "report/heap/marks.h"
#include "report/heap/processes.h"
#include "report/heap/range.h"
#include "report/heap/summary.h"

/* Several processes have no balance sheet together. */
static void put_hint(FILE *out, const struct mp_heap_view *view,
                     const struct mp_heap_text_options *options)
{
    if (!view->processes || !options->processes || !mp_heap_have_sheets(options->processes))
        return;
    fputs("\nWhere the RSS of each is: mprof report --by process ", out);
    mp_heap_put_text(out, &options->style, options->name, strlen(options->name), 0,
                     MP_HEAP_CUT_START);
    fputc('\n', out);
}

/* What held the peak, by the user's own lines: the answer that a report is asked for. */
static void put_yours(FILE *out, const struct mp_heap_view *view,
                      struct mp_heap_your_lines *yours,
                      const struct mp_heap_text_options *options, unsigned *marks)
{
    char title[MP_HEAP_RANGE_WORDS];
    const struct mp_heap_lines_table table = {
        .order = MP_HEAP_BY_PEAK,
        .title = mp_heap_range_title(view, "Your lines, ", title),
        .whole = (uint64_t)view->header->peak,
        .marks = marks,
        .view = view,
        .options = options};
    if (yours)
        mp_heap_put_your_lines(out, &table, yours);
}

static void put_tables(FILE *out, const struct mp_heap_view *view,
                       struct mp_heap_lines *lines,
                       const struct mp_heap_text_options *options, unsigned *marks)
{
    char title[MP_HEAP_RANGE_WORDS];
    mp_heap_range_words(view, title);
    *title = 'A'; /* "At the peak" */
    struct mp_heap_lines_table tables[] = {
        {.order = MP_HEAP_BY_PEAK, .title = title, .whole = (uint64_t)view->header->peak},
        {.order = MP_HEAP_BY_LIVE,
         .title = "Still live",
         .whole = (uint64_t)view->header->live},
        {.order = MP_HEAP_BY_CHURN,
         .title = "Temporary (freed before their thread allocated again)",
         .whole = mp_heap_totals(view).temporary},
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        tables[i].marks = marks;
        tables[i].view = view;
        tables[i].options = options;
        mp_heap_put_lines(out, &tables[i], lines);
    }
}

void mp_heap_text(FILE *out, const struct mp_heap_view *view, struct mp_heap_lines *lines,
                  struct mp_heap_your_lines *yours,
                  const struct mp_heap_text_options *options)
{
    const struct mp_heap_header *header = view->header;
    unsigned marks = 0;
    if (view->growth) {
        mp_heap_text_growth(out, view, lines, yours, options);
        return;
    }
    if (options->death)
        mp_heap_put_death(out, options->death, view, yours, &options->style);
    if (options->killed)
        mp_heap_put_killed(out, options->killed, &options->style);
    mp_heap_put_title(out, view, options->name, options->incomplete, &options->style);
    put_yours(out, view, yours, options, &marks);
    mp_heap_put_summary(out, view, &options->style);
    put_tables(out, view, lines, options, &marks);
    mp_heap_put_marks(out, marks);
    mp_heap_put_threads(out, view, options->processes, options->most);
    mp_heap_put_processes(out, header, options->processes, options->most, &options->style);
    mp_heap_put_balance(out, view);
    put_hint(out, view, options);
}
