#include "report/heap/growth.h"

#include "base/saturate.h"
#include "report/heap/marks.h"
#include "report/heap/range.h"
#include "report/heap/summary.h"

/* What all stacks that grew have more, and what the others have less. */
struct sides {
    int64_t grew, shrank;
};

static struct sides sides_of(const struct mp_heap_view *view)
{
    struct sides sides = {0};
    for (size_t i = 0; i < view->counts[MP_HEAP_NODES]; i++) {
        int64_t bytes = view->growth[i].bytes;
        int64_t *side = bytes > 0 ? &sides.grew : &sides.shrank;
        *side = mp_sum(*side, bytes);
    }
    return sides;
}

static void put_sums(FILE *out, const struct mp_heap_view *view, const struct sides *sides)
{
    char words[MP_HEAP_RANGE_WORDS], grew[MP_HEAP_FIGURE], shrank[MP_HEAP_FIGURE];
    char more[MP_HEAP_FIGURE], before[MP_HEAP_FIGURE], after[MP_HEAP_FIGURE];
    const struct mp_heap_header *header = view->header;
    fprintf(out, "\n%s\n", mp_heap_range_words(view, words));
    if (!view->processes)
        fprintf(out, "  heap      %s, then %s\n",
                mp_heap_estimate(header, view->range->from.live, before),
                mp_heap_estimate(header, view->range->to.live, after));
    /* What came varies, and what went. */
    fprintf(out, "  growth    %s: %s by stacks that grew, %s by those that shrank\n",
            mp_heap_estimate_of(header, mp_sum(sides->grew, sides->shrank),
                                mp_difference(sides->grew, sides->shrank), more),
            mp_heap_estimate(header, sides->grew, grew),
            mp_heap_estimate(header, sides->shrank, shrank));
}

static void put_tables(FILE *out, const struct mp_heap_view *view,
                       struct mp_heap_lines *lines, struct mp_heap_your_lines *yours,
                       const struct mp_heap_text_options *options, unsigned *marks)
{
    struct sides sides = sides_of(view);
    struct mp_heap_lines_table table = {.order = MP_HEAP_BY_GROWTH,
                                        .title = "Your lines that grew",
                                        .whole = mp_heap_magnitude(sides.grew),
                                        .view = view,
                                        .options = options,
                                        .marks = marks};
    put_sums(out, view, &sides);
    if (yours)
        mp_heap_put_your_lines(out, &table, yours);
    table.title = "What grew";
    mp_heap_put_lines(out, &table, lines);
    table.order = MP_HEAP_BY_SHRINKING;
    table.whole = mp_heap_magnitude(sides.shrank);
    table.title = "What shrank";
    mp_heap_put_lines(out, &table, lines);
    if (!sides.grew && !sides.shrank)
        fputs("\nnothing grew or shrank\n", out);
}

void mp_heap_text_growth(FILE *out, const struct mp_heap_view *view,
                         struct mp_heap_lines *lines, struct mp_heap_your_lines *yours,
                         const struct mp_heap_text_options *options)
{
    unsigned marks = 0;
    mp_heap_put_title(out, view, options->name, options->incomplete, &options->style);
    put_tables(out, view, lines, yours, options, &marks);
    mp_heap_put_marks(out, marks);
}
