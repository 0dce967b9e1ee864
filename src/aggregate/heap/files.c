#include "aggregate/heap/files.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* The length of the path up to and with `folder`; 0: it is not in there. */
static size_t length_to(const char *path, size_t length, const char *folder)
{
    const char *found = memmem(path, length, folder, strlen(folder));
    return found ? (size_t)(found - path) + strlen(folder) : 0;
}

static size_t packages_length(const char *path, size_t length)
{
    size_t to = length_to(path, length, "/site-packages/");
    return to ? to : length_to(path, length, "/dist-packages/");
}

static enum mp_heap_group_kind kind_of(const struct mp_heap_view *view,
                                       struct mp_heap_text file)
{
    const char *path = view->text + file.offset;
    return packages_length(path, file.length) ? MP_HEAP_PACKAGE
           : mp_heap_is_library(view, file)   ? MP_HEAP_LIBRARY
                                              : MP_HEAP_PROGRAM;
}

/* /x/site-packages/numpy/core/a.py ─► /x/site-packages/numpy */
static struct mp_heap_text package_of(const struct mp_heap_view *view,
                                      struct mp_heap_text file)
{
    const char *path = view->text + file.offset;
    size_t to = packages_length(path, file.length);
    const char *slash = memchr(path + to, '/', file.length - to);
    return slash ? (struct mp_heap_text){file.offset, (uint32_t)(slash - path)} : file;
}

static struct mp_heap_group group_of(const struct mp_heap_view *view, uint32_t code,
                                     bool apart)
{
    struct mp_heap_text file = view->codes[code].file;
    struct mp_heap_group group = {.kind = MP_HEAP_NOWHERE};
    if (!file.length)
        return group;
    group.kind = kind_of(view, file);
    if (group.kind == MP_HEAP_PROGRAM || apart)
        group.name = file;
    else if (group.kind == MP_HEAP_PACKAGE)
        group.name = package_of(view, file);
    return group;
}

static int compare_texts(const struct mp_heap_view *view, struct mp_heap_text a,
                         struct mp_heap_text b)
{
    return a.offset == b.offset && a.length == b.length ? 0
                                                        : mp_heap_text_compare(view, a, b);
}

static struct mp_heap_group *append(struct mp_heap_groups *groups,
                                    const struct mp_heap_group *group)
{
    if (mp_array_reserve((void **)&groups->groups, &groups->room, groups->count + 1,
                         sizeof *groups->groups))
        return NULL;
    groups->groups[groups->count] = *group;
    return &groups->groups[groups->count++];
}

/* Files come sorted: those of one group follow each other, but for the library's. */
static struct mp_heap_group *find(struct mp_heap_groups *groups,
                                  const struct mp_heap_view *view,
                                  const struct mp_heap_group *wanted, size_t *library)
{
    bool scattered = wanted->kind == MP_HEAP_LIBRARY && !wanted->name.length;
    if (scattered && *library)
        return &groups->groups[*library - 1];
    struct mp_heap_group *last = groups->count ? &groups->groups[groups->count - 1] : NULL;
    if (last && last->kind == wanted->kind &&
        !compare_texts(view, last->name, wanted->name))
        return last;
    if (scattered)
        *library = groups->count + 1;
    return append(groups, wanted);
}

/* What groups are made of, and which each line is in, by its number. */
struct grouping {
    const struct mp_heap_view *view;
    const struct mp_heap_lines *lines;
    uint32_t *order; /* owned, as the other: positions of the lines, by file and line */
    uint32_t *groups;
};

static int compare_places(const void *left, const void *right, void *context)
{
    const struct grouping *by = context;
    const struct mp_heap_view *view = by->view;
    const struct mp_heap_line *a = &by->lines->lines[*(const uint32_t *)left];
    const struct mp_heap_line *b = &by->lines->lines[*(const uint32_t *)right];
    int order = compare_texts(view, view->codes[a->code].file, view->codes[b->code].file);
    if (!order)
        order = (a->line > b->line) - (a->line < b->line);
    return order ? order : (a->code > b->code) - (a->code < b->code);
}

static int grouping_init(struct grouping *by, const struct mp_heap_view *view,
                         const struct mp_heap_lines *lines)
{
    *by = (struct grouping){.view = view,
                            .lines = lines,
                            .order = calloc(lines->all + 1, sizeof *by->order),
                            .groups = calloc(lines->numbers + 1, sizeof *by->groups)};
    if (!by->order || !by->groups)
        return -1;
    for (size_t i = 0; i < lines->all; i++)
        by->order[i] = (uint32_t)i;
    qsort_r(by->order, lines->all, sizeof *by->order, compare_places, by);
    return 0;
}

static int compare_groups(const void *left, const void *right, void *context)
{
    const struct mp_heap_group *a = left, *b = right;
    const struct mp_heap_sum *x = &a->sum.cumulative, *y = &b->sum.cumulative;
    uint64_t grew = mp_heap_magnitude(x->growth), other = mp_heap_magnitude(y->growth);
    if (grew != other) /* where a range is shown */
        return grew < other ? 1 : -1;
    if (x->at_peak != y->at_peak)
        return x->at_peak < y->at_peak ? 1 : -1;
    if (x->total != y->total)
        return x->total < y->total ? 1 : -1;
    if (a->sum.total != b->sum.total)
        return a->sum.total < b->sum.total ? 1 : -1;
    int order = (int)a->kind - (int)b->kind;
    return order ? order : compare_texts(context, a->name, b->name);
}

static int add_lines(struct mp_heap_groups *groups, const struct grouping *by, bool apart)
{
    size_t library = 0;
    struct mp_heap_group *group = NULL;
    struct mp_heap_text file = {0};
    for (size_t i = 0; i < by->lines->all; i++) {
        const struct mp_heap_line *line = &by->lines->lines[by->order[i]];
        struct mp_heap_text its = by->view->codes[line->code].file;
        bool another = !group || compare_texts(by->view, its, file);
        if (another) {
            struct mp_heap_group wanted = group_of(by->view, line->code, apart);
            if (!(group = find(groups, by->view, &wanted, &library)))
                return -1;
            group->files++;
            file = its;
        }
        mp_heap_line_add(&group->sum, line);
        group->sum.users |= line->users;
        by->groups[line->number] = (uint32_t)(group - groups->groups) + 1;
    }
    return 0;
}

/* Where no code runs nothing is called. */
static void fill_places(const struct grouping *by, uint32_t *places)
{
    for (size_t i = 0; i < by->view->counts[MP_HEAP_NODES]; i++)
        places[i] = by->view->nodes[i].code ? by->groups[by->lines->places[i]] : 0;
}

static int add_callees(struct mp_heap_groups *groups, const struct grouping *by)
{
    size_t nodes = by->view->counts[MP_HEAP_NODES];
    uint32_t *places = calloc(nodes + 1, sizeof *places);
    struct mp_heap_sum *sums = calloc(groups->count + 1, sizeof *sums);
    if (places)
        fill_places(by, places);
    int failed = !places || !sums ||
                 mp_heap_inclusive_sum(&by->lines->inclusive, places, groups->count, sums);
    for (size_t i = 0; i < groups->count && !failed; i++) {
        struct mp_heap_line *sum = &groups->groups[i].sum;
        bool nowhere = groups->groups[i].kind == MP_HEAP_NOWHERE;
        sum->cumulative =
            nowhere ? (struct mp_heap_sum){sum->at_peak, sum->live, sum->total, sum->growth}
                    : sums[i + 1];
    }
    free(places);
    free(sums);
    return failed ? -1 : 0;
}

int mp_heap_groups_init(struct mp_heap_groups *groups, const struct mp_heap_view *view,
                        const struct mp_heap_lines *lines, bool apart)
{
    struct grouping by;
    struct mp_heap_group own = {.kind = MP_HEAP_OWN, .sum = lines->own};
    *groups = (struct mp_heap_groups){0};
    own.sum.cumulative =
        (struct mp_heap_sum){own.sum.at_peak, own.sum.live, own.sum.total, own.sum.growth};
    int failed = grouping_init(&by, view, lines) || add_lines(groups, &by, apart) ||
                 add_callees(groups, &by) ||
                 (mp_heap_line_is_used(&own.sum) && !append(groups, &own));
    free(by.order);
    free(by.groups);
    if (failed)
        mp_heap_groups_release(groups);
    else if (groups->count)
        qsort_r(groups->groups, groups->count, sizeof *groups->groups, compare_groups,
                (void *)view);
    return failed ? -1 : 0;
}

void mp_heap_groups_release(struct mp_heap_groups *groups)
{
    free(groups->groups);
    *groups = (struct mp_heap_groups){0};
}
