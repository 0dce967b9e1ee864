#include "aggregate/heap_listing.h"

#include <stdbool.h>
#include <stdlib.h>

#include "aggregate/heap_stacks.h"
#include "record/location.h"

/* The analyzer loses sight of what is kept in an array. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

/* For the time of building a listing. */
struct building {
    const struct mp_heap_view *view;
    struct mp_heap_listing *listing;
    struct mp_heap_stacks stacks;
    bool *codes;                          /* which are of the file */
    uint32_t *first_child, *next_sibling; /* of each node; 0: none */
    struct mp_heap_sum *sums;             /* of each node with all below it */
    uint32_t *active, active_whole;       /* how often a line, or the file, is above */
};

static void add_sum(struct mp_heap_sum *to, const struct mp_heap_sum *sum)
{
    if (__builtin_add_overflow(to->at_peak, sum->at_peak, &to->at_peak))
        to->at_peak = INT64_MAX;
    if (__builtin_add_overflow(to->live, sum->live, &to->live))
        to->live = INT64_MAX;
    if (__builtin_add_overflow(to->total, sum->total, &to->total))
        to->total = UINT64_MAX;
}

static bool is_in_file(const struct building *building, uint32_t node)
{
    return building->codes[building->view->nodes[node].code];
}

/* A parent's number is lower: from the end, each node is complete when it is added. */
static void link_nodes(struct building *building)
{
    const struct mp_heap_view *view = building->view;
    for (size_t i = view->counts[MP_HEAP_NODES]; i-- > 1;) {
        const struct mp_heap_node *node = &view->nodes[i];
        struct mp_heap_sum its = {mp_heap_at_peak(view, node), mp_heap_live(node),
                                  node->total};
        add_sum(&building->sums[i], &its);
        add_sum(&building->sums[node->parent], &building->sums[i]);
        building->next_sibling[i] = building->first_child[node->parent];
        building->first_child[node->parent] = (uint32_t)i;
    }
}

static int compare_lines(const void *left, const void *right)
{
    const struct mp_heap_listed *a = left, *b = right;
    return (a->self.line > b->self.line) - (a->self.line < b->self.line);
}

static int compare_places(const void *left, const void *right)
{
    const struct mp_heap_listed *a = left, *b = right;
    int order = compare_lines(a, b);
    return order ? order : (a->self.code > b->self.code) - (a->self.code < b->self.code);
}

static struct mp_heap_listed *line_of(const struct mp_heap_listing *listing, int line)
{
    struct mp_heap_listed key = {.self = {.line = line}};
    return listing->count ? bsearch(&key, listing->lines, listing->count,
                                    sizeof *listing->lines, compare_lines)
                          : NULL;
}

/* Each line that is on a stack, once; by number. */
static int find_lines(struct building *building)
{
    struct mp_heap_listing *listing = building->listing;
    size_t nodes = building->view->counts[MP_HEAP_NODES], found = 0;
    for (uint32_t i = 1; i < nodes; i++)
        found += is_in_file(building, i);
    listing->lines = calloc(found + 1, sizeof *listing->lines);
    if (!listing->lines)
        return -1;
    found = 0;
    for (uint32_t i = 1; i < nodes; i++)
        if (is_in_file(building, i))
            listing->lines[found++].self = (struct mp_heap_line){
                .line = building->stacks.lines[i], .code = building->view->nodes[i].code};
    if (found)
        qsort(listing->lines, found, sizeof *listing->lines, compare_places);
    for (size_t i = 0; i < found; i++)
        if (!i || listing->lines[i].self.line != listing->lines[i - 1].self.line)
            listing->lines[listing->count++] = listing->lines[i];
    return 0;
}

static void enter(struct building *building, uint32_t node)
{
    struct mp_heap_listing *listing = building->listing;
    if (!is_in_file(building, node))
        return;
    struct mp_heap_listed *line = line_of(listing, building->stacks.lines[node]);
    if (!building->active[line - listing->lines]++)
        add_sum(&line->cumulative, &building->sums[node]);
    if (!building->active_whole++)
        add_sum(&listing->whole.cumulative, &building->sums[node]);
}

static void leave(struct building *building, uint32_t node)
{
    struct mp_heap_listing *listing = building->listing;
    if (!is_in_file(building, node))
        return;
    building->active[line_of(listing, building->stacks.lines[node]) - listing->lines]--;
    building->active_whole--;
}

/* Down to the children, else on to the sibling of the nearest node that has one: no stack. */
static void walk(struct building *building)
{
    for (uint32_t at = building->first_child[0]; at;) {
        enter(building, at);
        if (building->first_child[at]) {
            at = building->first_child[at];
            continue;
        }
        for (leave(building, at); at && !building->next_sibling[at];) {
            at = building->view->nodes[at].parent;
            if (at)
                leave(building, at);
        }
        at = building->next_sibling[at];
    }
}

static void add_own_figures(struct building *building, const struct mp_heap_lines *lines)
{
    struct mp_heap_listing *listing = building->listing;
    for (size_t i = 0; i < lines->count; i++) {
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

static int allocate(struct building *building)
{
    size_t nodes = building->view->counts[MP_HEAP_NODES] + 1;
    building->codes =
        calloc(building->view->counts[MP_HEAP_CODES] + 1, sizeof *building->codes);
    building->first_child = calloc(nodes, sizeof *building->first_child);
    building->next_sibling = calloc(nodes, sizeof *building->next_sibling);
    building->sums = calloc(nodes, sizeof *building->sums);
    building->active = calloc(nodes, sizeof *building->active);
    return building->codes && building->first_child && building->next_sibling &&
                   building->sums && building->active
               ? mp_heap_stacks_init(&building->stacks, building->view)
               : -1;
}

static int build(struct building *building, const struct mp_heap_lines *lines)
{
    const struct mp_heap_view *view = building->view;
    if (allocate(building))
        return -1;
    for (size_t i = 1; i < view->counts[MP_HEAP_CODES]; i++)
        building->codes[i] =
            !mp_heap_text_compare(view, view->codes[i].file, building->listing->file);
    if (find_lines(building) || find_functions(building))
        return -1;
    link_nodes(building);
    walk(building);
    add_own_figures(building, lines);
    return 0;
}

int mp_heap_listing_init(struct mp_heap_listing *listing, const struct mp_heap_view *view,
                         const struct mp_heap_lines *lines, struct mp_heap_text file)
{
    *listing = (struct mp_heap_listing){.file = file};
    struct building building = {.view = view, .listing = listing};
    int failed = build(&building, lines);
    mp_heap_stacks_release(&building.stacks);
    free(building.codes);
    free(building.first_child);
    free(building.next_sibling);
    free(building.sums);
    free(building.active);
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
