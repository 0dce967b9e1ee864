#include "report/heap/marks.h"

#include <inttypes.h>

static const struct {
    const char *word, *sentence;
} marks_of[MP_HEAP_MARKS] = {
    {"pool",
     "some of it was mapped there at once, and is handed out to lines that run later\n"
     "  of such a mapping only what is resident counts"},
    {"thread",
     "some of it was allocated by a thread without Python code that was started there;\n"
     "  which line it worked for is not seen"},
};

/* The words of marks, between others. */
static void put(FILE *out, unsigned marks, const char *quote, const char *between)
{
    const char *before = "";
    for (int i = 0; i < MP_HEAP_MARKS; i++)
        if (marks & 1u << i) {
            fprintf(out, "%s%s%s%s", before, quote, marks_of[i].word, quote);
            before = between;
        }
}

const char *mp_heap_mark_words(unsigned marks, char room[MP_HEAP_MARK_WORDS])
{
    bool pool = marks & MP_HEAP_MARK_POOL, thread = marks & MP_HEAP_MARK_THREAD;
    snprintf(room, MP_HEAP_MARK_WORDS, "%s%s%s%s%s", pool || thread ? " (" : "",
             pool ? marks_of[0].word : "", pool && thread ? ", " : "",
             thread ? marks_of[1].word : "", pool || thread ? ")" : "");
    return room;
}

unsigned mp_heap_unnamed_marks(const struct mp_heap_view *view,
                               const struct mp_heap_line *row)
{
    bool is_thread = mp_heap_is_thread(&view->codes[row->code]);
    return is_thread ? row->marks & ~(unsigned)MP_HEAP_MARK_THREAD : row->marks;
}

void mp_heap_put_marks(FILE *out, unsigned marks)
{
    if (marks)
        fputc('\n', out);
    for (int i = 0; i < MP_HEAP_MARKS; i++)
        if (marks & 1u << i)
            fprintf(out, "%s: %s\n", marks_of[i].word, marks_of[i].sentence);
}

void mp_heap_marks_json(FILE *out, const struct mp_heap_line *line)
{
    fputs("\"marks\": [", out);
    put(out, line->marks, "\"", ", ");
    fputc(']', out);
}

void mp_heap_cumulative_json(FILE *out, const struct mp_heap_view *view,
                             const struct mp_heap_sum *sum)
{
    fprintf(out,
            ", \"cumulative\": {\"at_peak\": %" PRId64 ", \"live\": %" PRId64
            ", \"total\": %" PRIu64,
            sum->at_peak, sum->live, sum->total);
    if (view->growth)
        fprintf(out, ", \"growth\": %" PRId64, sum->growth);
    fputc('}', out);
}

void mp_heap_marks_csv(FILE *out, const struct mp_heap_line *line)
{
    put(out, line->marks, "", " ");
}
