/* Growable arrays: storage that doubles, counted in items.
 *
 *     struct frame *frames = NULL; size_t room = 0;
 *     if (mp_array_reserve((void **)&frames, &room, count + 1, sizeof *frames)) ...ENOMEM
 */
#ifndef MP_BASE_ARRAY_H
#define MP_BASE_ARRAY_H

#include <stddef.h>

/* Makes room for at least `count` items of `size` bytes; new room is zeroed. Returns 0, or -1
   with errno ENOMEM and the array as it was. The caller owns *items and frees it. */
int mp_array_reserve(void **items, size_t *room, size_t count, size_t size);

#endif
