#include "base/array.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int mp_array_reserve(void **items, size_t *room, size_t count, size_t size)
{
    if (count <= *room)
        return 0;
    size_t more = *room ? *room : 16;
    while (more < count && more <= SIZE_MAX / 2)
        more *= 2;
    if (more < count || more > SIZE_MAX / size) {
        errno = ENOMEM;
        return -1;
    }
    void *grown = realloc(*items, more * size);
    if (!grown)
        return -1;
    memset((char *)grown + *room * size, 0, (more - *room) * size);
    *items = grown;
    *room = more;
    return 0;
}
