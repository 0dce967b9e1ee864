#include "report/heap/source.h"

#include <stdlib.h>
#include <string.h>

int mp_heap_source_init(struct mp_heap_source_text *source, const char *text, size_t length)
{
    *source = (struct mp_heap_source_text){.text = text, .length = length};
    size_t lines = length && text[length - 1] != '\n';
    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    source->starts = malloc((lines + 1) * sizeof *source->starts);
    if (!source->starts)
        return -1;
    source->starts[0] = 0;
    for (size_t i = 0; i < length; i++)
        if (text[i] == '\n' || i + 1 == length)
            source->starts[++source->count] = (uint32_t)i + 1;
    return 0;
}

void mp_heap_source_use(struct mp_heap_source_text *source,
                        const struct mp_heap_kept_file *kept)
{
    bool changed = source->changed;
    const char *why = source->why;
    mp_heap_source_release(source);
    *source = (struct mp_heap_source_text){.why = why,
                                           .changed = changed,
                                           .recorded = true,
                                           .kept = *kept,
                                           .count = kept->last};
}

void mp_heap_source_release(struct mp_heap_source_text *source)
{
    free(source->starts);
    *source = (struct mp_heap_source_text){0};
}

const char *mp_heap_source_at(const struct mp_heap_source_text *source, int64_t line,
                              size_t *length)
{
    if (line < 1 || (uint64_t)line > source->count)
        return NULL;
    if (source->recorded)
        return mp_heap_kept_line(&source->kept, (uint32_t)line, length);
    if (!source->text)
        return NULL;
    uint32_t start = source->starts[line - 1], end = source->starts[line];
    while (end > start && strchr("\r\n", source->text[end - 1]))
        end--;
    *length = end - start;
    return source->text + start;
}
