#include "base/pages.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

enum { FIRST = 1 << 12 }; /* items that an array begins with */

static size_t bytes_of(size_t count, size_t size)
{
    return (count ? count : 1) * size;
}

void *mp_pages_new(size_t count, size_t size)
{
    if (count > SIZE_MAX / 2 / size) {
        errno = ENOMEM;
        return NULL;
    }
    void *made = mmap(NULL, bytes_of(count, size), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return made == MAP_FAILED ? NULL : made;
}

void mp_pages_free(void *items, size_t count, size_t size)
{
    if (items)
        munmap(items, bytes_of(count, size));
}

int mp_pages_reserve(void **items, size_t *room, size_t count, size_t size)
{
    if (count <= *room)
        return 0;
    size_t more = *room ? *room : FIRST;
    while (more < count && more <= SIZE_MAX / 2)
        more *= 2;
    if (more < count || more > SIZE_MAX / 2 / size) {
        errno = ENOMEM;
        return -1;
    }
    void *grown = *items ? mremap(*items, *room * size, more * size, MREMAP_MAYMOVE)
                         : mp_pages_new(more, size);
    if (!grown || grown == MAP_FAILED) {
        errno = ENOMEM;
        return -1;
    }
    *items = grown;
    *room = more;
    return 0;
}
