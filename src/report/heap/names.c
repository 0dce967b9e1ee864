#include "report/heap/names.h"

#include <stdlib.h>

#include "base/escape.h"

size_t mp_heap_page_rows(const struct mp_heap_page *page)
{
    return page->rows->count < page->most ? page->rows->count : page->most;
}

size_t mp_heap_page_yours(const struct mp_heap_page *page)
{
    return page->yours->count < page->most ? page->yours->count : page->most;
}

size_t mp_heap_page_spread(const struct mp_heap_page *page)
{
    enum { FIGURES = 40000, FEWEST = 20, MOST = 200 };
    if (!page->spread)
        return 0;
    size_t groups = page->spread->groups, most = FIGURES / (groups ? groups : 1);
    most = most < FEWEST ? FEWEST : most > MOST ? MOST : most;
    return page->spread->count < most ? page->spread->count : most;
}

static const struct mp_heap_beneath *beneath_of(const struct mp_heap_page *page, size_t row)
{
    return &page->yours->lines[row].beneath[MP_HEAP_BY_PEAK];
}

static int compare_codes(const void *left, const void *right, void *context)
{
    const struct mp_heap_view *view = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    int order = mp_heap_text_compare(view, view->codes[a].file, view->codes[b].file);
    return order ? order : (a > b) - (a < b);
}

static struct mp_heap_place place_of(const struct mp_heap_names *names,
                                     const struct mp_heap_line *line)
{
    return (struct mp_heap_place){names->numbers[line->code], line->line};
}

static int compare_places(const void *left, const void *right)
{
    const struct mp_heap_place *a = left, *b = right;
    int order = (a->function > b->function) - (a->function < b->function);
    return order ? order : (a->line > b->line) - (a->line < b->line);
}

static void collect_places(struct mp_heap_names *names, const struct mp_heap_page *page)
{
    size_t all = 0, count = 0;
    struct mp_heap_place *places = names->places;
    for (size_t graph = 0; graph < page->graph_count; graph++) {
        const struct mp_flame *flame = page->graphs[graph];
        for (size_t i = 1; i < flame->count; i++)
            if (flame->frames[i].kind == MP_FLAME_FRAME)
                places[all++] = place_of(names, &flame->frames[i].sum);
    }
    for (size_t i = 0; i < mp_heap_page_rows(page); i++)
        places[all++] = place_of(names, &page->rows->rows[i]);
    for (size_t i = 0; i < mp_heap_page_yours(page); i++)
        places[all++] = place_of(names, &page->yours->lines[i].line);
    for (size_t i = 0; i < mp_heap_page_spread(page); i++)
        places[all++] = (struct mp_heap_place){names->numbers[page->spread->rows[i].code],
                                               page->spread->rows[i].line};
    qsort(places, all, sizeof *places, compare_places);
    for (size_t i = 0; i < all; i++)
        if (!count || compare_places(&places[count - 1], &places[i]))
            places[count++] = places[i];
    names->place_count = count;
}

static void mark_codes(uint32_t *used, const struct mp_heap_page *page)
{
    for (size_t graph = 0; graph < page->graph_count; graph++)
        for (size_t i = 0; i < page->graphs[graph]->count; i++)
            used[page->graphs[graph]->frames[i].sum.code] = 1;
    for (size_t i = 0; i < mp_heap_page_rows(page); i++)
        used[page->rows->rows[i].code] = 1;
    for (size_t i = 0; i < mp_heap_page_yours(page); i++) {
        used[page->yours->lines[i].line.code] = 1;
        used[beneath_of(page, i)->code] = 1;
    }
    for (size_t i = 0; i < mp_heap_page_spread(page); i++)
        used[page->spread->rows[i].code] = 1;
}

int mp_heap_names_init(struct mp_heap_names *names, const struct mp_heap_page *page)
{
    const struct mp_heap_view *view = page->rows->view;
    size_t codes = view->counts[MP_HEAP_CODES] ? view->counts[MP_HEAP_CODES] : 1;
    size_t most =
        mp_heap_page_rows(page) + mp_heap_page_yours(page) + mp_heap_page_spread(page);
    for (size_t i = 0; i < page->graph_count; i++)
        most += page->graphs[i]->count;
    *names = (struct mp_heap_names){.view = view,
                                    .codes = calloc(codes + 1, sizeof *names->codes),
                                    .numbers = calloc(codes + 1, sizeof *names->numbers),
                                    .places = calloc(most + 1, sizeof *names->places)};
    if (!names->codes || !names->numbers || !names->places)
        return -1;
    mark_codes(names->numbers, page);
    for (uint32_t code = 0; code < codes; code++)
        if (names->numbers[code])
            names->codes[names->count++] = code;
    qsort_r(names->codes, names->count, sizeof *names->codes, compare_codes, (void *)view);
    for (size_t i = 0; i < names->count; i++)
        names->numbers[names->codes[i]] = (uint32_t)i;
    collect_places(names, page);
    return 0;
}

void mp_heap_names_release(struct mp_heap_names *names)
{
    free(names->codes);
    free(names->numbers);
    free(names->places);
}

/* The path, and the short one where it differs. */
static void put_paths(FILE *out, const struct mp_heap_names *names,
                      const struct mp_heap_paths *paths, struct mp_heap_text file)
{
    struct mp_heap_text name = mp_heap_paths_short(paths, file);
    fputs("{\"path\":", out);
    mp_escape_json(out, names->view->text + file.offset, file.length);
    if (name.length < file.length) {
        fputs(",\"short\":", out);
        mp_escape_json(out, names->view->text + name.offset, name.length);
    }
}

/* [{path, short, functions: [[name, first line]]}]; functions are numbered through. */
void mp_heap_names_files(FILE *out, const struct mp_heap_names *names,
                         const struct mp_heap_paths *paths)
{
    const struct mp_heap_view *view = names->view;
    fputs("\"files\":[", out);
    for (size_t i = 0; i < names->count; i++) {
        const struct mp_heap_code *code = &view->codes[names->codes[i]];
        bool first = !i || mp_heap_text_compare(view, view->codes[names->codes[i - 1]].file,
                                                code->file);
        if (first) {
            fputs(i ? "]},\n" : "\n", out);
            put_paths(out, names, paths, code->file);
            fputs(",\"functions\":[", out);
        }
        fputs(first ? "[" : ",[", out);
        mp_escape_json(out, view->text + code->name.offset, code->name.length);
        fprintf(out, ",%d]", code->first_line);
    }
    fputs(names->count ? "]}],\n" : "],\n", out);
}

void mp_heap_names_sources(FILE *out, const struct mp_heap_names *names,
                           const struct mp_heap_page *page)
{
    const struct mp_heap_view *view = names->view;
    const char *between = "\n";
    fputs("\"sources\":[", out);
    for (size_t i = 0; i < names->place_count && page->source; i++) {
        const struct mp_heap_place *place = &names->places[i];
        size_t length = 0;
        struct mp_heap_text file = view->codes[names->codes[place->function]].file;
        const char *text = page->source(page->context, view, file, place->line, &length);
        if (!text)
            continue;
        fprintf(out, "%s[%u,%d,", between, place->function, place->line);
        mp_escape_json(out, text, length);
        fputc(']', out);
        between = ",\n";
    }
    fputs("],\n", out);
}
