#include "aggregate/heap/kept.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"

static int copy_text(struct mp_heap_kept *kept, const struct mp_heap_view *view,
                     struct mp_heap_text *text)
{
    size_t size = kept->text_size + text->length;
    if (size > UINT32_MAX) {
        errno = ENOMEM;
        return -1;
    }
    if (mp_array_reserve((void **)&kept->text, &kept->text_room, size + 1, 1))
        return -1;
    memcpy(kept->text + kept->text_size, view->text + text->offset, text->length);
    text->offset = (uint32_t)kept->text_size;
    kept->text_size = size;
    return 0;
}

static int copy_lines(struct mp_heap_kept *kept, const struct mp_heap_view *view,
                      struct mp_heap_source *source)
{
    const struct mp_heap_source_line *from = view->source_lines + source->first;
    if (mp_array_reserve((void **)&kept->lines, &kept->line_room,
                         kept->line_count + source->count + 1, sizeof *kept->lines))
        return -1;
    source->first = (uint32_t)kept->line_count;
    for (size_t i = 0; i < source->count; i++) {
        struct mp_heap_source_line line = from[i];
        if (copy_text(kept, view, &line.text))
            return -1;
        kept->lines[kept->line_count++] = line;
    }
    return 0;
}

int mp_heap_kept_add(struct mp_heap_kept *kept, const struct mp_heap_view *view)
{
    size_t count = view->counts[MP_HEAP_SOURCES];
    if (mp_array_reserve((void **)&kept->sources, &kept->room, kept->count + count + 1,
                         sizeof *kept->sources))
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct mp_heap_source source = view->sources[i];
        if (copy_text(kept, view, &source.file) || copy_text(kept, view, &source.label) ||
            copy_lines(kept, view, &source))
            return -1;
        kept->sources[kept->count++] = source;
    }
    return 0;
}

static int compare_names(const char *a, size_t its, const char *b, size_t length)
{
    int order = memcmp(a, b, its < length ? its : length);
    return order ? order : (its > length) - (its < length);
}

/* Those added first, whose lines begin first, stay before later ones. */
static int by_file(const void *left, const void *right, void *context)
{
    const struct mp_heap_kept *kept = context;
    const struct mp_heap_source *a = left, *b = right;
    int order = compare_names(kept->text + a->file.offset, a->file.length,
                              kept->text + b->file.offset, b->file.length);
    return order ? order : (a->first > b->first) - (a->first < b->first);
}

void mp_heap_kept_sort(struct mp_heap_kept *kept)
{
    if (kept->count)
        qsort_r(kept->sources, kept->count, sizeof *kept->sources, by_file, kept);
}

void mp_heap_kept_release(struct mp_heap_kept *kept)
{
    free(kept->text);
    free(kept->sources);
    free(kept->lines);
    *kept = (struct mp_heap_kept){0};
}

/* The first source whose file is not before this name. */
static size_t lower(const struct mp_heap_kept *kept, const char *name, size_t length)
{
    size_t from = 0, to = kept->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        struct mp_heap_text file = kept->sources[middle].file;
        if (compare_names(kept->text + file.offset, file.length, name, length) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool is_named(const struct mp_heap_kept *kept, size_t at, const char *name,
                     size_t length)
{
    return at < kept->count && !compare_names(kept->text + kept->sources[at].file.offset,
                                              kept->sources[at].file.length, name, length);
}

struct mp_heap_kept_file mp_heap_kept_find(const struct mp_heap_kept *kept,
                                           const char *name, size_t length)
{
    struct mp_heap_kept_file file = {.kept = kept};
    size_t at = lower(kept, name, length);
    const struct mp_heap_source *first = &kept->sources[at];
    for (; is_named(kept, at, name, length); at++) {
        const struct mp_heap_source *source = &kept->sources[at];
        if (source->hash != first->hash || source->size != first->size)
            break;
        if (source->count &&
            kept->lines[source->first + source->count - 1].number > file.last)
            file.last = kept->lines[source->first + source->count - 1].number;
        file.sources = first;
        file.count++;
    }
    return file;
}

static int by_number(const void *key, const void *item)
{
    uint32_t wanted = *(const uint32_t *)key;
    const struct mp_heap_source_line *line = item;
    return (wanted > line->number) - (wanted < line->number);
}

const char *mp_heap_kept_line(const struct mp_heap_kept_file *file, uint32_t number,
                              size_t *length)
{
    for (size_t i = 0; i < file->count; i++) {
        const struct mp_heap_source *source = &file->sources[i];
        const struct mp_heap_source_line *line =
            source->count ? bsearch(&number, file->kept->lines + source->first,
                                    source->count, sizeof *line, by_number)
                          : NULL;
        if (!line)
            continue;
        *length = line->text.length;
        return file->kept->text + line->text.offset;
    }
    return NULL;
}
