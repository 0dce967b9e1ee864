/* The border of a tag at the root of the stacks of a thread: found again, or made and listed. */
#include <string.h>

#include "capture/heap/python/recording.h"

/* A border that is new is listed by its word. */
static void list(struct mp_heap *heap, uint32_t node, const char *word)
{
    uint64_t *counts = heap->header->counts, at = counts[MP_HEAP_TEXT];
    size_t length = strlen(word);
    if (mp_heap_reserve(heap, MP_HEAP_TEXT, length, MP_HEAP_FOR_LINES) ||
        mp_heap_reserve(heap, MP_HEAP_TAGS, 1, MP_HEAP_FOR_LINES))
        return;
    memcpy(heap->text + at, word, length);
    __atomic_store_n(&counts[MP_HEAP_TEXT], at + length, __ATOMIC_RELEASE);
    heap->tags[counts[MP_HEAP_TAGS]] =
        (struct mp_heap_tag){node, {(uint32_t)at, (uint32_t)length}};
    __atomic_store_n(&counts[MP_HEAP_TAGS], counts[MP_HEAP_TAGS] + 1, __ATOMIC_RELEASE);
}

/* Without room for it, what is done under it is done without. */
static uint32_t border_of(int number)
{
    struct mp_heap *heap = mp_recording.heap;
    struct mp_walk *walk = &mp_recording.walk;
    uint64_t next = heap->header->counts[MP_HEAP_NODES];
    uint32_t border = !number ? 0
                              : mp_stacks_child(walk->stacks, walk->root, 0,
                                                MP_HEAP_TAG_BORDER | (uint32_t)number,
                                                MP_HEAP_FOR_PROGRAM);
    if (border == next)
        list(heap, border, mp_tags_word(number));
    return border ? border : walk->root;
}

void mp_recording_look_up_tag(struct mp_hooked *mine, PyThreadState *thread)
{
    struct mp_walk *walk = &mp_recording.walk;
    uint32_t before = mp_walker_root(walk, &mine->walker),
             root = border_of(mp_tags_number_now());
    mine->context = thread->context;
    mine->context_version = thread->context_ver;
    mine->tag_changed = false;
    if (root != before)
        mp_walker_begin_at(walk, &mine->walker, root);
    mine->walker.base = walk->root;
}
