/* Tags of several processes: of one name they have one border, whatever its number was. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/merge.h"
#include "base/array.h"

/* Its number, from 1 on; 0: there is none. */
static size_t find(const struct mp_heap_merge *merge, const char *name, size_t length)
{
    for (size_t i = 0; i < merge->word_count; i++)
        if (merge->words[i].name.length == length &&
            !memcmp(merge->text + merge->words[i].name.offset, name, length))
            return i + 1;
    return 0;
}

static int add(struct mp_heap_merge *merge, const char *name, size_t length)
{
    size_t at = merge->text_size;
    if (at + length > UINT32_MAX) {
        errno = ENOMEM;
        return -1;
    }
    if (mp_array_reserve((void **)&merge->text, &merge->text_room, at + length + 1, 1) ||
        mp_array_reserve((void **)&merge->words, &merge->word_room, merge->word_count + 1,
                         sizeof *merge->words))
        return -1;
    memcpy(merge->text + at, name, length);
    merge->text_size = at + length;
    merge->words[merge->word_count++] =
        (struct mp_heap_tag){0, {(uint32_t)at, (uint32_t)length}};
    return 0;
}

int mp_heap_merge_tags(struct mp_heap_merge *merge, const struct mp_heap_view *view,
                       uint32_t **instructions)
{
    size_t count = view->counts[MP_HEAP_TAGS];
    *instructions = NULL;
    if (!count)
        return 0;
    uint32_t *of = calloc(view->counts[MP_HEAP_NODES] + 1, sizeof *of);
    for (size_t i = 0; of && i < count; i++) {
        const struct mp_heap_tag *tag = &view->tags[i];
        const char *name = view->text + tag->name.offset;
        size_t number = find(merge, name, tag->name.length);
        if (!number && add(merge, name, tag->name.length)) {
            free(of);
            return -1;
        }
        of[tag->node] =
            MP_HEAP_TAG_BORDER | (uint32_t)(number ? number : merge->word_count);
    }
    *instructions = of;
    return of ? 0 : -1;
}

int mp_heap_merge_tag_border(struct mp_heap_merge *merge, uint32_t instruction,
                             uint32_t node)
{
    const struct mp_heap_tag *word = &merge->words[(instruction & ~MP_HEAP_TAG_BORDER) - 1];
    if (mp_array_reserve((void **)&merge->tags, &merge->tag_room, merge->tag_count + 1,
                         sizeof *merge->tags))
        return -1;
    merge->tags[merge->tag_count++] = (struct mp_heap_tag){node, word->name};
    return 0;
}
