#include "report/heap/page_texts.h"

#include <stdlib.h>

#include "base/escape.h"

enum {
    AROUND = 3,          /* lines before and behind one that holds much */
    BEHIND = 20,         /* of the user's files, behind the last line that is shown */
    LINES_MOST = 20000,  /* of a file */
    OTHERS = 100,        /* lines of other files whose surroundings are shown */
    BYTES_MOST = 2 << 20 /* of all texts */
};

static const double FRAMES_FROM = 0.01; /* of any measure */

struct texts {
    FILE *out;
    const struct mp_heap_page *page;
    const struct mp_heap_names *names;
    bool *wanted;              /* of the lines of one file, from 1 on */
    struct mp_heap_place *hot; /* owned; lines that matter, whoever's */
    size_t hot_count, next_hot, next_place;
    bool *mine; /* of each function, whether it has a line of the user's */
    size_t bytes, files;
};

static void add_hot(struct texts *texts, const struct mp_heap_line *line)
{
    if (line->line > 0 && line->line <= LINES_MOST)
        texts->hot[texts->hot_count++] =
            (struct mp_heap_place){texts->names->numbers[line->code], line->line};
}

static int by_function(const void *left, const void *right)
{
    const struct mp_heap_place *a = left, *b = right;
    return (a->function > b->function) - (a->function < b->function);
}

/* Lines that allocated most, and frames of some width. */
static int find_hot(struct texts *texts)
{
    const struct mp_heap_page *page = texts->page;
    const struct mp_flame *flame = page->graph_count ? page->graphs[0] : NULL;
    size_t rows = mp_heap_page_rows(page), frames = flame ? flame->count : 0;
    rows = rows < OTHERS ? rows : OTHERS;
    texts->hot = calloc(rows + frames + 1, sizeof *texts->hot);
    if (!texts->hot)
        return -1;
    for (size_t i = 0; i < rows; i++)
        add_hot(texts, &page->rows->rows[i]);
    for (size_t i = 1; i < frames; i++)
        if (flame->frames[i].kind == MP_FLAME_FRAME &&
            mp_heap_line_share(&flame->frames[i].sum, &flame->frames[0].sum) >= FRAMES_FROM)
            add_hot(texts, &flame->frames[i].sum);
    if (texts->hot_count)
        qsort(texts->hot, texts->hot_count, sizeof *texts->hot, by_function);
    return 0;
}

/* Functions of one file are numbered in a row. */
static size_t end_of_file(const struct mp_heap_names *names, size_t first)
{
    const struct mp_heap_view *view = names->view;
    struct mp_heap_text file = view->codes[names->codes[first]].file;
    size_t end = first + 1;
    while (end < names->count &&
           !mp_heap_text_compare(view, file, view->codes[names->codes[end]].file))
        end++;
    return end;
}

/* Marks the lines from one to another. Returns the last. */
static int want(struct texts *texts, int from, int to)
{
    from = from < 1 ? 1 : from;
    to = to > LINES_MOST ? LINES_MOST : to;
    for (int line = from; line <= to; line++)
        texts->wanted[line] = true;
    return to;
}

/* Returns the last line that is wanted of the file that these functions are in; 0: none is. Files come
   in the order of their functions, as places do. */
static int find_wanted(struct texts *texts, size_t first, size_t end)
{
    const struct mp_heap_names *names = texts->names;
    bool mine = false;
    int last = 0, to = 0;
    for (size_t i = first; i < end; i++)
        mine |= texts->mine[i];
    for (; texts->next_place < names->place_count; texts->next_place++) {
        const struct mp_heap_place *place = &names->places[texts->next_place];
        if (place->function >= end)
            break;
        last = place->line > last && place->line <= LINES_MOST ? place->line : last;
    }
    for (; texts->next_hot < texts->hot_count; texts->next_hot++) {
        const struct mp_heap_place *hot = &texts->hot[texts->next_hot];
        if (hot->function >= end)
            break;
        int upto = mine ? 0 : want(texts, hot->line - AROUND, hot->line + AROUND);
        to = upto > to ? upto : to;
    }
    return !mine ? to : last ? want(texts, 1, last + BEHIND) : 0;
}

/* Lines that follow each other are one array. */
static void put_file(struct texts *texts, size_t first, size_t number, int last)
{
    const struct mp_heap_page *page = texts->page;
    const struct mp_heap_view *view = texts->names->view;
    struct mp_heap_text file = view->codes[texts->names->codes[first]].file;
    int before = 0;
    for (int line = 1; line <= last && texts->bytes < BYTES_MOST; line++) {
        size_t length = 0;
        const char *text = texts->wanted[line]
                               ? page->source(page->context, view, file, line, &length)
                               : NULL;
        if (!text)
            continue;
        if (!before)
            fprintf(texts->out, "%s[%zu,[%d", texts->files++ ? ",\n" : "\n", number, line);
        else if (before != line - 1)
            fprintf(texts->out, "],[%d", line);
        fputc(',', texts->out);
        mp_escape_json(texts->out, text, length);
        texts->bytes += length;
        before = line;
    }
    if (before)
        fputs("]]", texts->out);
}

static void put_files(struct texts *texts)
{
    const struct mp_heap_names *names = texts->names;
    size_t number = 0;
    for (size_t first = 0; first < names->count; number++) {
        size_t end = end_of_file(names, first);
        int last = find_wanted(texts, first, end);
        if (last)
            put_file(texts, first, number, last);
        for (int line = 1; line <= last; line++)
            texts->wanted[line] = false;
        first = end;
    }
}

int mp_heap_page_texts(FILE *out, const struct mp_heap_page *page,
                       const struct mp_heap_names *names)
{
    struct texts texts = {.out = out,
                          .page = page,
                          .names = names,
                          .wanted = calloc(LINES_MOST + 1, sizeof *texts.wanted),
                          .mine = calloc(names->count + 1, sizeof *texts.mine)};
    int failed = texts.wanted && texts.mine ? find_hot(&texts) : -1;
    for (size_t i = 0; !failed && i < mp_heap_page_yours(page); i++)
        texts.mine[names->numbers[page->yours->lines[i].line.code]] = true;
    if (!failed) {
        fputs("\"texts\":[", out);
        if (page->source)
            put_files(&texts);
        fputs("],\n", out);
    }
    free(texts.wanted);
    free(texts.mine);
    free(texts.hot);
    return failed;
}
