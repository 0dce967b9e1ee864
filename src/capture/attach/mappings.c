#include "capture/attach/mappings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"

enum {
    LOWEST = 1 << 20,
    AROUND = 1 << 24
}; /* bytes that stay free beside what we ask for */

static int add(struct mp_mappings *all, char *line)
{
    struct mp_mapping one = {0};
    char rights[8];
    int at = 0;
    line[strcspn(line, "\n")] = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %n", &one.start,
               &one.end, rights, &one.offset, &at) < 4 ||
        !at)
        return 0;
    one.writable = rights[1] == 'w';
    one.executable = rights[2] == 'x';
    one.path = strdup(line + at);
    if (!one.path || mp_array_reserve((void **)&all->items, &all->room, all->count + 1,
                                      sizeof *all->items)) {
        free(one.path);
        return -1;
    }
    all->items[all->count++] = one;
    return 0;
}

int mp_mappings_read(struct mp_mappings *all, int proc)
{
    mp_mappings_release(all);
    int fd = openat(proc, "maps", O_RDONLY | O_CLOEXEC), failed = 0;
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (!file) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    char *line = NULL;
    size_t room = 0;
    errno = 0;
    while (!failed && getline(&line, &room, file) > 0)
        failed = add(all, line);
    if (ferror(file) || (!failed && !all->count))
        failed = -1;
    int kept = errno ? errno : ESRCH; /* an empty list is that of a process that ended */
    free(line);
    fclose(file);
    errno = kept;
    return failed;
}

void mp_mappings_release(struct mp_mappings *all)
{
    for (size_t i = 0; i < all->count; i++)
        free(all->items[i].path);
    free(all->items);
    *all = (struct mp_mappings){0};
}

const struct mp_mapping *mp_mappings_at(const struct mp_mappings *all, uint64_t address)
{
    for (size_t i = 0; i < all->count; i++)
        if (address >= all->items[i].start && address < all->items[i].end)
            return &all->items[i];
    return NULL;
}

uint64_t mp_mappings_gap(const struct mp_mappings *all, uint64_t bytes)
{
    for (size_t i = all->count; i-- > 1;) {
        uint64_t from = all->items[i - 1].end, to = all->items[i].start;
        if (from > LOWEST && to > from && to - from >= bytes + (uint64_t)2 * AROUND &&
            to < (uint64_t)1 << 47)
            return from + AROUND;
    }
    return 0;
}
