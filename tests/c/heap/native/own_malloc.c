/* An object with an allocator of its own under malloc's name, which it alone may use. */
#include <stddef.h>

static char room[1 << 16];
static size_t used;

void *malloc(size_t size)
{
    void *block = room + used;
    used += (size + 15) & ~(size_t)15;
    return block;
}

void free(void *block)
{
    (void)block;
}

/* Whether malloc from here is the one above. */
int keeps_its_malloc(void)
{
    char *volatile block = malloc(32);
    int is_own = block >= room && block < room + sizeof room;
    free(block);
    return is_own;
}
