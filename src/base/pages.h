/* Growable arrays in mappings of their own, for a process in which nobody may ask malloc: a child that
 * was made while other threads may have held its locks.
 */
#ifndef MP_BASE_PAGES_H
#define MP_BASE_PAGES_H

#include <stddef.h>

/* Zeroed items of `size` bytes; NULL with errno ENOMEM. No items are one. */
void *mp_pages_new(size_t count, size_t size);

/* Gives them back: `count` and `size` are those that they were made with. Does nothing with NULL. */
void mp_pages_free(void *items, size_t count, size_t size);

/* Makes room for at least `count` items, as mp_array_reserve(); the caller frees *items, of *room. 0, or -1
   with errno ENOMEM and the array as it was. */
int mp_pages_reserve(void **items, size_t *room, size_t count, size_t size);

#endif
