#include "aggregate/heap_paths.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap_lines.h"

/* Where `bytes` begin in the text: behind them, or 0. The last one counts. */
static uint32_t behind(const char *text, uint32_t length, const char *bytes)
{
    uint32_t wanted = (uint32_t)strlen(bytes);
    for (uint32_t at = length < wanted ? 0 : length - wanted + 1; at-- > 0;)
        if (!memcmp(text + at, bytes, wanted))
            return at + wanted;
    return 0;
}

/* Behind ".../lib/python3.12/", or 0. */
static uint32_t behind_standard(const char *text, uint32_t length)
{
    uint32_t at = behind(text, length, "/lib/python3.");
    at = at ? at : behind(text, length, "/lib64/python3.");
    while (at && at < length && text[at] >= '0' && text[at] <= '9')
        at++;
    return at && at < length && text[at] == '/' ? at + 1 : 0;
}

static struct mp_heap_text from(struct mp_heap_text file, uint32_t at)
{
    return (struct mp_heap_text){file.offset + at, file.length - at};
}

struct mp_heap_text mp_heap_installed(const struct mp_heap_view *view,
                                      struct mp_heap_text file)
{
    const char *text = view->text + file.offset;
    uint32_t at = behind(text, file.length, "/site-packages/");
    at = at ? at : behind(text, file.length, "/dist-packages/");
    at = at ? at : behind_standard(text, file.length);
    return from(file, at);
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
    return name.length == file.length && is_below ? from(file, (uint32_t)here + 1) : name;
}

static int compare(const void *left, const void *right, void *context)
{
    const struct mp_heap_paths *paths = context;
    const struct mp_heap_text *a = left, *b = right;
    int order = mp_heap_text_compare(paths->view, shorten(paths, *a), shorten(paths, *b));
    return order ? order : mp_heap_text_compare(paths->view, *a, *b);
}

static int compare_texts(const void *left, const void *right, void *context)
{
    return mp_heap_text_compare(context, *(const struct mp_heap_text *)left,
                                *(const struct mp_heap_text *)right);
}

/* Many functions are in one file: each name once, before the costly order. */
static void drop_doubles(struct mp_heap_paths *paths)
{
    size_t count = 0;
    for (size_t i = 0; i < paths->count; i++)
        if (!count ||
            mp_heap_text_compare(paths->view, paths->files[count - 1], paths->files[i]))
            paths->files[count++] = paths->files[i];
    paths->count = count;
}

int mp_heap_paths_init(struct mp_heap_paths *paths, const struct mp_heap_view *view,
                       const char *here)
{
    size_t codes = view->counts[MP_HEAP_CODES];
    *paths = (struct mp_heap_paths){
        .view = view, .here = here, .files = calloc(codes + 1, sizeof *paths->files)};
    if (!paths->files)
        return -1;
    for (size_t i = 1; i < codes; i++)
        paths->files[paths->count++] = view->codes[i].file;
    qsort_r(paths->files, paths->count, sizeof *paths->files, compare_texts, (void *)view);
    drop_doubles(paths);
    qsort_r(paths->files, paths->count, sizeof *paths->files, compare, paths);
    return 0;
}

void mp_heap_paths_release(struct mp_heap_paths *paths)
{
    free(paths->files);
    *paths = (struct mp_heap_paths){0};
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
        struct mp_heap_text its = shorten(paths, paths->files[middle]);
        if (mp_heap_text_compare(paths->view, its, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct mp_heap_text mp_heap_paths_short(const struct mp_heap_paths *paths,
                                        struct mp_heap_text file)
{
    const struct mp_heap_view *view = paths->view;
    struct mp_heap_text name = shorten(paths, file);
    for (size_t i = find(paths, name); name.length < file.length && i < paths->count; i++) {
        struct mp_heap_text other = shorten(paths, paths->files[i]);
        if (other.length < name.length ||
            memcmp(view->text + other.offset, view->text + name.offset, name.length))
            break;
        if (is_at_or_in(view, other, name) && !is_at_or_in(view, paths->files[i], file))
            return file;
    }
    return name;
}
