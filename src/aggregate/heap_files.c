#include "aggregate/heap_files.h"

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

static int compare_places(const void *left, const void *right, void *context)
{
    const struct mp_heap_view *view = context;
    const struct mp_heap_line *a = left, *b = right;
    int order = compare_texts(view, view->codes[a->code].file, view->codes[b->code].file);
    if (!order)
        order = (a->line > b->line) - (a->line < b->line);
    return order ? order : (a->code > b->code) - (a->code < b->code);
}

static void sort_by_place(struct mp_heap_lines *lines, const struct mp_heap_view *view)
{
    if (lines->count)
        qsort_r(lines->lines, lines->count, sizeof *lines->lines, compare_places,
                (void *)view);
}

static int compare_groups(const void *left, const void *right, void *context)
{
    const struct mp_heap_group *a = left, *b = right;
    if (a->sum.at_peak != b->sum.at_peak)
        return a->sum.at_peak < b->sum.at_peak ? 1 : -1;
    if (a->sum.total != b->sum.total)
        return a->sum.total < b->sum.total ? 1 : -1;
    int order = (int)a->kind - (int)b->kind;
    return order ? order : compare_texts(context, a->name, b->name);
}

static int add_lines(struct mp_heap_groups *groups, const struct mp_heap_view *view,
                     const struct mp_heap_lines *lines, bool apart)
{
    size_t library = 0;
    struct mp_heap_group *group = NULL;
    struct mp_heap_text file = {0};
    for (size_t i = 0; i < lines->count; i++) {
        const struct mp_heap_line *line = &lines->lines[i];
        struct mp_heap_text its = view->codes[line->code].file;
        bool another = !group || compare_texts(view, its, file);
        if (another) {
            struct mp_heap_group wanted = group_of(view, line->code, apart);
            if (!(group = find(groups, view, &wanted, &library)))
                return -1;
            group->files++;
            file = its;
        }
        mp_heap_line_add(&group->sum, line);
    }
    return 0;
}

int mp_heap_groups_init(struct mp_heap_groups *groups, const struct mp_heap_view *view,
                        struct mp_heap_lines *lines, bool apart)
{
    struct mp_heap_group own = {.kind = MP_HEAP_OWN, .sum = lines->own};
    *groups = (struct mp_heap_groups){0};
    sort_by_place(lines, view);
    if (add_lines(groups, view, lines, apart) ||
        ((own.sum.blocks || own.sum.total) && !append(groups, &own))) {
        mp_heap_groups_release(groups);
        return -1;
    }
    if (groups->count)
        qsort_r(groups->groups, groups->count, sizeof *groups->groups, compare_groups,
                (void *)view);
    return 0;
}

void mp_heap_groups_release(struct mp_heap_groups *groups)
{
    free(groups->groups);
    *groups = (struct mp_heap_groups){0};
}
