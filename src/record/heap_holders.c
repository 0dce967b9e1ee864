#include "record/heap_holders.h"

#include <stddef.h>

/* FNV-1a: two processes say the same. */
uint32_t mp_heap_wants_mark(const struct mp_heap_wants *wants)
{
    uint32_t mark = 2166136261u ^ (uint32_t)wants->what;
    for (const char *at = wants->name ? wants->name : ""; *at; at++)
        mark = (mark * 16777619u) ^ (unsigned char)*at;
    mark *= 16777619u;
    return mark ? mark : 1;
}
