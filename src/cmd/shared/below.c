#include "cmd/shared/below.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/walk.h"
#include "store/dat/read.h"
#include "store/heap/members.h"

/* The analyzer loses sight of what is kept in an array. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

static int add(struct mp_below *below, const char *path)
{
    if (mp_array_reserve((void **)&below->paths, &below->room, below->count + 1,
                         sizeof *below->paths))
        return -1;
    if (!(below->paths[below->count] = strdup(path)))
        return -1;
    below->count++;
    return 0;
}

/* A file that is ours by name alone, an empty one, is no recording. */
static int add_if_timeline(void *below, const char *path, const struct stat *status)
{
    bool filled = S_ISREG(status->st_mode) && status->st_size;
    return filled && mp_dat_is_ours(path) == 1 ? add(below, path) : 0;
}

int mp_below_find(struct mp_below *below, const char *folder)
{
    struct mp_heap_members heaps = {0};
    *below = (struct mp_below){0};
    int failed = mp_walk(folder, add_if_timeline, below);
    if (!failed && !below->count && !mp_heap_members_add(&heaps, folder))
        for (size_t i = 0; i < heaps.count && !failed; i++)
            failed = add(below, heaps.paths[i]);
    mp_heap_members_release(&heaps);
    return failed;
}

void mp_below_release(struct mp_below *below)
{
    for (size_t i = 0; i < below->count; i++)
        free(below->paths[i]);
    free(below->paths);
    *below = (struct mp_below){0};
}
