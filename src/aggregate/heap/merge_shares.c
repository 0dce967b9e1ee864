/* What each process held in each stack of the whole, where that is asked for. */
#include <stdlib.h>

#include "aggregate/heap/merge.h"

/* There may be many millions: room is not cleared, nor doubled. */
static int grow_shares(struct mp_heap_merge *merge)
{
    size_t room = merge->share_room + merge->share_room / 8 + 1024;
    struct mp_heap_share *grown = realloc(merge->shares, room * sizeof *grown);
    if (!grown)
        return -1;
    merge->shares = grown;
    merge->share_room = room;
    return 0;
}

int mp_heap_merge_keep_share(struct mp_heap_merge *merge, uint32_t number, int64_t bytes)
{
    if (!bytes)
        return 0;
    if (merge->share_count == merge->share_room && grow_shares(merge))
        return -1;
    merge->shares[merge->share_count++] =
        (struct mp_heap_share){number, (uint32_t)merge->processes, bytes};
    return 0;
}
