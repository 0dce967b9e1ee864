#include "aggregate/heap/listing.h"

#include <stdbool.h>
#include <stdlib.h>

#include "record/location.h"

/* The analyzer loses sight of what is kept in an array. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

/* For the time of building a listing. */
struct building {
    const struct mp_heap_view *view;
    struct mp_heap_listing *listing;
    const int *lines; /* of each node */
    bool *codes;      /* which are of the file */
};

static bool is_in_file(const struct building *building, uint32_t node)
{
    return building->codes[building->view->nodes[node].code];
}

static int compare_lines(const void *left, const void *right)
{
    const struct mp_heap_listed *a = left, *b = right;
    return (a->self.line > b->self.line) - (a->self.line < b->self.line);
}

/* Where a node is: of millions only the lines take a row of figures. */
struct place {
    int line;
    uint32_t code;
};

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    return a->line != b->line ? (a->line > b->line) - (a->line < b->line)
                              : (a->code > b->code) - (a->code < b->code);
}

static struct mp_heap_listed *line_of(const struct mp_heap_listing *listing, int line)
{
    struct mp_heap_listed key = {.self = {.line = line}};
    return listing->count ? bsearch(&key, listing->lines, listing->count,
                                    sizeof *listing->lines, compare_lines)
                          : NULL;
}

/* Each line that is on a stack, once: of the code that comes first. By number. */
static int add_lines(struct mp_heap_listing *listing, struct place *places, size_t count)
{
    size_t lines = 0;
    if (count)
        qsort(places, count, sizeof *places, compare_places);
    for (size_t i = 0; i < count; i++)
        if (!i || places[i].line != places[lines - 1].line)
            places[lines++] = places[i];
    listing->lines = calloc(lines + 1, sizeof *listing->lines);
    for (size_t i = 0; listing->lines && i < lines; i++)
        listing->lines[i].self =
            (struct mp_heap_line){.line = places[i].line, .code = places[i].code};
    listing->count = listing->lines ? lines : 0;
    return listing->lines ? 0 : -1;
}

static int find_lines(struct building *building)
{
    const struct mp_heap_view *view = building->view;
    size_t count = 0;
    struct place *places = calloc(view->counts[MP_HEAP_NODES] + 1, sizeof *places);
    for (uint32_t i = 1; places && i < view->counts[MP_HEAP_NODES]; i++)
        if (is_in_file(building, i))
            places[count++] = (struct place){building->lines[i], view->nodes[i].code};
    int failed = places ? add_lines(building->listing, places, count) : -1;
    free(places);
    return failed;
}

/* The file as a whole is one place, its lines are others. */
static int add_callees(struct building *building, const struct mp_heap_inclusive *inclusive)
{
    struct mp_heap_listing *listing = building->listing;
    size_t count = building->view->counts[MP_HEAP_NODES];
    struct mp_heap_sum whole[2], *sums = calloc(listing->count + 1, sizeof *sums);
    uint32_t *places = calloc(count + 1, sizeof *places);
    for (uint32_t i = 1; sums && places && i < count; i++)
        places[i] = is_in_file(building, i);
    int failed = !sums || !places || mp_heap_inclusive_sum(inclusive, places, 1, whole);
    for (uint32_t i = 1; !failed && i < count; i++)
        if (places[i])
            places[i] =
                (uint32_t)(line_of(listing, building->lines[i]) - listing->lines) + 1;
    failed = failed || mp_heap_inclusive_sum(inclusive, places, listing->count, sums);
    for (size_t i = 0; i < listing->count && !failed; i++)
        listing->lines[i].cumulative = sums[i + 1];
    if (!failed)
        listing->whole.cumulative = whole[1];
    free(sums);
    free(places);
    return failed ? -1 : 0;
}

static void add_own_figures(struct building *building, const struct mp_heap_lines *lines)
{
    struct mp_heap_listing *listing = building->listing;
    for (size_t i = 0; i < lines->all; i++) {
        const struct mp_heap_line *line = &lines->lines[i];
        struct mp_heap_listed *listed =
            building->codes[line->code] ? line_of(listing, line->line) : NULL;
        if (!listed)
            continue;
        mp_heap_line_add(&listed->self, line);
        mp_heap_line_add(&listing->whole.self, line);
    }
}

static int compare_functions(const void *left, const void *right)
{
    const struct mp_heap_function *a = left, *b = right;
    if (a->first != b->first)
        return a->first > b->first ? 1 : -1;
    return (a->code > b->code) - (a->code < b->code);
}

static int find_functions(struct building *building)
{
    const struct mp_heap_view *view = building->view;
    struct mp_heap_listing *listing = building->listing;
    size_t count = view->counts[MP_HEAP_CODES];
    listing->functions = calloc(count + 1, sizeof *listing->functions);
    if (!listing->functions)
        return -1;
    for (uint32_t i = 1; i < count; i++) {
        const struct mp_heap_code *code = &view->codes[i];
        if (building->codes[i])
            listing->functions[listing->function_count++] = (struct mp_heap_function){
                i, code->first_line,
                mp_location_last_line(view->text + code->lines.offset, code->lines.length,
                                      code->first_line)};
    }
    if (listing->function_count)
        qsort(listing->functions, listing->function_count, sizeof *listing->functions,
              compare_functions);
    return 0;
}

static int build(struct building *building, const struct mp_heap_lines *lines)
{
    const struct mp_heap_view *view = building->view;
    building->codes = calloc(view->counts[MP_HEAP_CODES] + 1, sizeof *building->codes);
    if (!building->codes)
        return -1;
    for (size_t i = 1; i < view->counts[MP_HEAP_CODES]; i++)
        building->codes[i] =
            !mp_heap_text_compare(view, view->codes[i].file, building->listing->file);
    if (find_lines(building) || find_functions(building) ||
        add_callees(building, &lines->inclusive))
        return -1;
    add_own_figures(building, lines);
    return 0;
}

int mp_heap_listing_init(struct mp_heap_listing *listing, const struct mp_heap_view *view,
                         const struct mp_heap_lines *lines, struct mp_heap_text file)
{
    *listing = (struct mp_heap_listing){.file = file};
    struct building building = {
        .view = view, .listing = listing, .lines = lines->stacks.lines};
    int failed = build(&building, lines);
    free(building.codes);
    if (failed)
        mp_heap_listing_release(listing);
    return failed;
}

void mp_heap_listing_release(struct mp_heap_listing *listing)
{
    free(listing->lines);
    free(listing->functions);
    *listing = (struct mp_heap_listing){0};
}
