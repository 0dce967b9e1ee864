#include "cmd/heap/source.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/programs.h"
#include "base/array.h"

/* The analyzer loses sight of what is kept in an array. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

void mp_source_init(struct mp_source *source, const char *capture,
                    const struct mp_heap_view *view, const struct mp_heap_own *own,
                    const struct mp_heap_kept *kept, const struct mp_source_named *named)
{
    struct mp_heap_text files[MP_HEAP_PROGRAMS];
    *source = (struct mp_source){.kept = kept};
    mp_source_place_init(&source->place, capture, named);
    size_t count = mp_heap_programs(view, own, files);
    for (size_t i = 0; i < count; i++)
        mp_source_roots_add_program(&source->place.roots, view->text + files[i].offset,
                                    files[i].length);
}

static void clear(struct mp_source *source)
{
    mp_heap_source_release(&source->lines);
    free(source->path);
    free(source->file.text);
    source->path = source->file.text = NULL;
}

static void load(struct mp_source *source, int64_t wall_start)
{
    struct mp_source_file *file = &source->file;
    mp_source_file_read(file, &source->place, source->path);
    source->outside |= file->outside;
    if (!file->why && mp_heap_source_init(&source->lines, file->text, file->length))
        file->why = "out of memory";
    if (file->why)
        source->lines = (struct mp_heap_source_text){.why = file->why};
    else
        source->lines.changed = file->modified / 1000000000 > wall_start / 1000000000;
}

/* A file that is as it was is shown, whatever its date; of another what the capture has. */
static void use_kept(struct mp_source *source)
{
    struct mp_heap_kept_file kept =
        mp_heap_kept_find(source->kept, source->path, strlen(source->path));
    struct mp_heap_source_text *lines = &source->lines;
    if (!kept.count)
        return;
    if (!lines->why)
        lines->changed =
            kept.sources->size != (int64_t)lines->length ||
            kept.sources->hash != mp_heap_source_hash(lines->text, lines->length);
    if (lines->why || lines->changed)
        mp_heap_source_use(lines, &kept);
}

const struct mp_heap_source_text *mp_source_read(struct mp_source *source,
                                                 const struct mp_heap_view *view,
                                                 struct mp_heap_text file)
{
    const char *name = view->text + file.offset;
    if (source->path && strlen(source->path) == file.length &&
        !memcmp(source->path, name, file.length))
        return &source->lines;
    clear(source);
    if (!(source->path = strndup(name, file.length)))
        return NULL;
    load(source, view->header->wall_start);
    use_kept(source);
    return &source->lines;
}

static void note(struct mp_source_names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++)
        if (!strcmp(names->names[i], path))
            return;
    if (mp_array_reserve((void **)&names->names, &names->room, names->count + 1,
                         sizeof *names->names))
        return;
    names->names[names->count] = strdup(path);
    names->count += names->names[names->count] != NULL;
}

const char *mp_source_line(void *from, const struct mp_heap_view *view,
                           struct mp_heap_text file, int line, size_t *length)
{
    struct mp_source *source = from;
    const struct mp_heap_source_text *lines = mp_source_read(source, view, file);
    const char *text = lines ? mp_heap_source_at(lines, line, length) : NULL;
    if (!text || !lines->changed)
        return text;
    note(lines->recorded ? &source->changed : &source->newer, source->path);
    return lines->recorded ? text : NULL;
}

static void release_names(struct mp_source_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
}

void mp_source_release(struct mp_source *source)
{
    clear(source);
    release_names(&source->newer);
    release_names(&source->changed);
    mp_source_place_release(&source->place);
    *source = (struct mp_source){0};
}
