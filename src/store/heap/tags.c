#include "store/heap/tags.h"

const char *mp_heap_tags_check(const struct mp_heap_view *view, size_t *at)
{
    uint64_t bytes = 0;
    uint32_t before = 0;
    for (*at = 0; *at < view->counts[MP_HEAP_TAGS]; ++*at) {
        const struct mp_heap_tag *tag = &view->tags[*at];
        if ((uint64_t)tag->name.offset + tag->name.length > view->counts[MP_HEAP_TEXT])
            return "a text is not in the file";
        if ((bytes += tag->name.length) > view->counts[MP_HEAP_TEXT])
            return "texts overlap";
        if (tag->node <= before || tag->node >= view->counts[MP_HEAP_NODES] ||
            !mp_heap_is_border(&view->nodes[tag->node]))
            return "a tag has no border of its own";
        before = tag->node;
    }
    return NULL;
}
