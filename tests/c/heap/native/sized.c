/* What C23 and newer libcs have: here, where the libc may be older. As there, it calls nothing
 * that is hooked. */
#include <stddef.h>

void __libc_free(void *);
void free_sized(void *, size_t);
void free_aligned_sized(void *, size_t, size_t);

void free_sized(void *address, size_t size)
{
    (void)size;
    __libc_free(address);
}

void free_aligned_sized(void *address, size_t alignment, size_t size)
{
    (void)alignment, (void)size;
    __libc_free(address);
}
