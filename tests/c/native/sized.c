/* What C23 and newer libcs have: here, where the libc may be older. */
#include <stdlib.h>

void free_sized(void *, size_t);
void free_aligned_sized(void *, size_t, size_t);

void free_sized(void *address, size_t size)
{
    (void)size;
    free(address);
}

void free_aligned_sized(void *address, size_t alignment, size_t size)
{
    (void)alignment, (void)size;
    free(address);
}
