#include "aggregate/heap/tag_frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/tags.h"

static int copy_tables(struct mp_heap_tag_frames *frames, const struct mp_heap_view *view)
{
    const size_t *counts = view->counts;
    size_t more = 0;
    for (size_t i = 0; i < counts[MP_HEAP_TAGS]; i++)
        more += view->tags[i].name.length + 2;
    frames->nodes = calloc(counts[MP_HEAP_NODES] + 1, sizeof *frames->nodes);
    frames->codes =
        calloc(counts[MP_HEAP_CODES] + counts[MP_HEAP_TAGS] + 1, sizeof *frames->codes);
    frames->text = malloc(counts[MP_HEAP_TEXT] + more + 1);
    if (!frames->nodes || !frames->codes || !frames->text)
        return -1;
    memcpy(frames->nodes, view->nodes, counts[MP_HEAP_NODES] * sizeof *frames->nodes);
    memcpy(frames->codes, view->codes, counts[MP_HEAP_CODES] * sizeof *frames->codes);
    memcpy(frames->text, view->text, counts[MP_HEAP_TEXT]);
    frames->view.nodes = frames->nodes;
    frames->view.codes = frames->codes;
    frames->view.text = frames->text;
    return 0;
}

/* In brackets, as what is no function. Like "(smaller stacks)" it has no file, and no line. */
static uint32_t add_code(struct mp_heap_tag_frames *frames, struct mp_heap_text word)
{
    size_t *counts = frames->view.counts;
    struct mp_heap_text name = {(uint32_t)counts[MP_HEAP_TEXT], word.length + 2};
    char *text = frames->text + name.offset;
    text[0] = '[';
    memcpy(text + 1, frames->text + word.offset, word.length);
    text[name.length - 1] = ']';
    counts[MP_HEAP_TEXT] += name.length;
    frames->codes[counts[MP_HEAP_CODES]] =
        (struct mp_heap_code){.name = name, .lines = {.offset = 1}};
    return (uint32_t)counts[MP_HEAP_CODES]++;
}

int mp_heap_tag_frames_init(struct mp_heap_tag_frames *frames,
                            const struct mp_heap_view *view)
{
    struct mp_heap_tag_order order;
    *frames = (struct mp_heap_tag_frames){.view = *view};
    if (mp_heap_tag_order_init(&order, view) || copy_tables(frames, view)) {
        mp_heap_tag_order_release(&order);
        errno = ENOMEM;
        return -1;
    }
    for (size_t i = 0, code = 0; i < order.count; i++) {
        const struct mp_heap_tag *tag = &view->tags[order.tags[i]];
        if (mp_heap_tag_order_is_new(&order, view, i))
            code = add_code(frames, tag->name);
        frames->nodes[tag->node].code = (uint32_t)code;
    }
    mp_heap_tag_order_release(&order);
    return 0;
}

void mp_heap_tag_frames_release(struct mp_heap_tag_frames *frames)
{
    free(frames->nodes);
    free(frames->codes);
    free(frames->text);
    *frames = (struct mp_heap_tag_frames){0};
}
