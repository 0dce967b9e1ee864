#include "aggregate/heap/your_lines.h"

#include <stdlib.h>

/* By the numbers of lines: where each is, and which of the user's it is. */
struct building {
    struct mp_heap_your_lines *yours;
    const struct mp_heap_view *view;
    const struct mp_heap_lines *lines;
    uint32_t *positions, *numbers; /* owned; both + 1, 0: there is none */
};

static int find_lines(struct building *building)
{
    const struct mp_heap_lines *lines = building->lines;
    struct mp_heap_your_lines *yours = building->yours;
    size_t most = 0;
    for (size_t i = 0; i < lines->all; i++)
        most += lines->lines[i].users;
    building->positions = calloc(lines->numbers + 1, sizeof *building->positions);
    building->numbers = calloc(lines->numbers + 1, sizeof *building->numbers);
    yours->lines = calloc(most + 1, sizeof *yours->lines);
    if (!building->positions || !building->numbers || !yours->lines)
        return -1;
    for (size_t i = 0; i < lines->all; i++) {
        const struct mp_heap_line *line = &lines->lines[i];
        building->positions[line->number] = (uint32_t)i + 1;
        if (!line->users)
            continue;
        yours->lines[yours->count].line =
            (struct mp_heap_line){.code = line->code,
                                  .line = line->line,
                                  .cumulative = line->cumulative,
                                  .number = line->number,
                                  .users = true,
                                  .called = line->called};
        building->numbers[line->number] = (uint32_t)++yours->count;
    }
    return 0;
}

/* Which of the user's lines a node's figures are charged to; NULL: none. */
static struct mp_heap_your_line *charged(const struct building *building, uint32_t node)
{
    const struct mp_heap_lines *lines = building->lines;
    uint32_t number = building->numbers[lines->places[node]];
    if (!number)
        number = building->numbers[lines->places[lines->origins.users[node]]];
    return number ? &building->yours->lines[number - 1] : NULL;
}

static void add_figures(struct building *building)
{
    struct mp_heap_your_lines *yours = building->yours;
    const struct mp_heap_view *view = building->view;
    for (uint32_t i = 0; i < view->counts[MP_HEAP_NODES]; i++) {
        if (!mp_heap_has_figures(view, i) || !building->lines->places[i])
            continue;
        struct mp_heap_line figures = mp_heap_line_of(view, i);
        struct mp_heap_your_line *to = charged(building, i);
        mp_heap_line_add(to ? &to->line : &yours->elsewhere, &figures);
    }
}

/* The library's line that a user's line led to, if it is the heaviest yet. */
static void note_beneath(struct building *building, const struct mp_heap_origin *origin)
{
    uint32_t number = building->numbers[origin->user];
    if (!number || building->numbers[origin->line])
        return;
    struct mp_heap_beneath *beneath = building->yours->lines[number - 1].beneath;
    const struct mp_heap_line *line =
        &building->lines->lines[building->positions[origin->line] - 1];
    for (int order = 0; order < MP_HEAP_ORDERS; order++)
        if (origin->by[order] > beneath[order].weight)
            beneath[order] = (struct mp_heap_beneath){line->code, line->line,
                                                      line->importing, origin->by[order]};
}

/* Lines that have nothing, themselves or below, are none to look at. */
static void drop_empty(struct mp_heap_your_lines *yours)
{
    size_t count = 0;
    for (size_t i = 0; i < yours->count; i++) {
        const struct mp_heap_line *line = &yours->lines[i].line;
        if (line->blocks || line->total || line->cumulative.total ||
            line->cumulative.at_peak || line->cumulative.growth)
            yours->lines[count++] = yours->lines[i];
    }
    yours->count = count;
}

int mp_heap_your_lines_init(struct mp_heap_your_lines *yours,
                            const struct mp_heap_view *view,
                            const struct mp_heap_lines *lines)
{
    struct building building = {.yours = yours, .view = view, .lines = lines};
    *yours = (struct mp_heap_your_lines){.own = lines->own};
    int failed = find_lines(&building);
    if (!failed) {
        add_figures(&building);
        for (size_t i = 0; i < lines->origins.count; i++)
            note_beneath(&building, &lines->origins.origins[i]);
        drop_empty(yours);
    }
    free(building.positions);
    free(building.numbers);
    if (failed)
        mp_heap_your_lines_release(yours);
    return failed;
}

void mp_heap_your_lines_release(struct mp_heap_your_lines *yours)
{
    free(yours->lines);
    *yours = (struct mp_heap_your_lines){0};
}

struct ordering {
    const struct mp_heap_view *view;
    enum mp_heap_order order;
};

static int compare(const void *left, const void *right, void *context)
{
    const struct ordering *by = context;
    const struct mp_heap_your_line *a = left, *b = right;
    return mp_heap_line_compare(by->view, &a->line, &b->line, by->order);
}

void mp_heap_your_lines_sort(struct mp_heap_your_lines *yours,
                             const struct mp_heap_view *view, enum mp_heap_order order)
{
    struct ordering by = {view, order};
    if (yours->count)
        qsort_r(yours->lines, yours->count, sizeof *yours->lines, compare, &by);
}
