#include "aggregate/heap/paths.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/lines.h"
#include "record/place.h"

static struct mp_heap_text from(struct mp_heap_text file, uint32_t at)
{
    return (struct mp_heap_text){file.offset + at, file.length - at};
}

struct mp_heap_text mp_heap_installed(const struct mp_heap_view *view,
                                      struct mp_heap_text file)
{
    size_t at = mp_place_installed(view->text + file.offset, file.length);
    return from(file, (uint32_t)at);
}

/* Whoever else may have that name. */
static struct mp_heap_text shorten(const struct mp_heap_paths *paths,
                                   struct mp_heap_text file)
{
    struct mp_heap_text name = mp_heap_installed(paths->view, file);
    size_t here = paths->here ? strlen(paths->here) : 0;
    const char *text = paths->view->text + file.offset;
    bool is_below = here && file.length > here + 1 && text[here] == '/' &&
                    !memcmp(text, paths->here, here);
    if (name.length != file.length || !is_below)
        return name;
    size_t at = here + 1; /* ./a.py, as it was typed, is a.py */
    while (at + 2 < file.length && text[at] == '.' && text[at + 1] == '/')
        at += 2;
    return from(file, (uint32_t)at);
}

static int compare(const void *left, const void *right, void *context)
{
    const struct mp_heap_view *view = context;
    const struct mp_heap_path *a = left, *b = right;
    int order = mp_heap_text_compare(view, a->name, b->name);
    return order ? order : mp_heap_text_compare(view, a->file, b->file);
}

/* A name may be in the text several times. */
static void drop_doubles(struct mp_heap_paths *paths)
{
    size_t count = 0;
    for (size_t i = 0; i < paths->count; i++)
        if (!count ||
            compare(&paths->paths[count - 1], &paths->paths[i], (void *)paths->view))
            paths->paths[count++] = paths->paths[i];
    paths->count = count;
}

/* Whether a path is the other one, or lies in that folder. */
static bool is_at_or_in(const struct mp_heap_view *view, struct mp_heap_text path,
                        struct mp_heap_text folder)
{
    const char *text = view->text + path.offset;
    return path.length >= folder.length &&
           !memcmp(text, view->text + folder.offset, folder.length) &&
           (path.length == folder.length || text[folder.length] == '/');
}

/* The first file whose short name is not before this one. */
static size_t find(const struct mp_heap_paths *paths, struct mp_heap_text name)
{
    size_t low = 0, high = paths->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mp_heap_text_compare(paths->view, paths->paths[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The short name, but where it could be another's. */
static struct mp_heap_text tell_apart(const struct mp_heap_paths *paths,
                                      struct mp_heap_text file, struct mp_heap_text name)
{
    const struct mp_heap_view *view = paths->view;
    for (size_t i = find(paths, name); name.length < file.length && i < paths->count; i++) {
        struct mp_heap_text other = paths->paths[i].name;
        if (other.length < name.length ||
            memcmp(view->text + other.offset, view->text + name.offset, name.length))
            break;
        if (is_at_or_in(view, other, name) &&
            !is_at_or_in(view, paths->paths[i].file, file))
            return file;
    }
    return name;
}

/* Code that is in no file may have another name than what stands for one. */
static void find_labels(struct mp_heap_paths *paths)
{
    const struct mp_heap_view *view = paths->view;
    for (size_t i = 0; i < view->counts[MP_HEAP_SOURCES]; i++) {
        const struct mp_heap_source *source = &view->sources[i];
        size_t known = mp_heap_distinct_find(&paths->files, source->file);
        if (source->label.length && known < paths->files.count)
            paths->names[known] = source->label;
    }
}

/* The names of each file, to be found by where it is. */
static void find_all(struct mp_heap_paths *paths)
{
    const struct mp_heap_distinct *files = &paths->files;
    for (size_t i = 0; i < files->count; i++)
        paths->paths[i] =
            (struct mp_heap_path){files->files[i], shorten(paths, files->files[i])};
    for (size_t i = 0; i < files->count; i++)
        paths->names[i] = paths->paths[i].name;
    paths->count = files->count;
    qsort_r(paths->paths, paths->count, sizeof *paths->paths, compare, (void *)paths->view);
    drop_doubles(paths);
    for (size_t i = 0; i < files->count; i++)
        paths->names[i] = tell_apart(paths, files->files[i], paths->names[i]);
    find_labels(paths);
}

int mp_heap_paths_init(struct mp_heap_paths *paths, const struct mp_heap_view *view,
                       const char *here)
{
    *paths = (struct mp_heap_paths){.view = view, .here = here};
    if (mp_heap_distinct_init(&paths->files, view))
        return -1;
    paths->paths = calloc(paths->files.count + 1, sizeof *paths->paths);
    paths->names = calloc(paths->files.count + 1, sizeof *paths->names);
    if (!paths->paths || !paths->names)
        return -1;
    find_all(paths);
    return 0;
}

void mp_heap_paths_release(struct mp_heap_paths *paths)
{
    mp_heap_distinct_release(&paths->files);
    free(paths->paths);
    free(paths->names);
    *paths = (struct mp_heap_paths){0};
}

struct mp_heap_text mp_heap_paths_short(const struct mp_heap_paths *paths,
                                        struct mp_heap_text file)
{
    size_t known = mp_heap_distinct_find(&paths->files, file);
    return known < paths->files.count ? paths->names[known]
                                      : tell_apart(paths, file, shorten(paths, file));
}
