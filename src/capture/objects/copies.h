/* Texts by their content: whether another str or bytes has the same. For a process in which nobody may ask malloc.
 */
#ifndef MP_CAPTURE_OBJECTS_COPIES_H
#define MP_CAPTURE_OBJECTS_COPIES_H

#include "capture/heap/frames/layout.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Open addressing: addresses with 16 bits of the hash above them. */
struct mp_copies {
    uint64_t *slots; /* owned */
    size_t mask, count, room;
};

/* For so many different ones. 0, or -1 with errno ENOMEM. */
int mp_copies_init(struct mp_copies *, size_t most);
void mp_copies_release(struct mp_copies *);

/* Forgets all; then there is room for `most`, of those it was made for. */
void mp_copies_clear(struct mp_copies *, size_t most);

/* Of exactly this type, str or bytes, and not so short that Python keeps one for all. */
bool mp_copies_can_be(PyObject *);

/* Bytes of the content. */
size_t mp_copies_length(PyObject *);

/* The one of this content that was seen first, maybe itself; NULL: it is new and there is no room. */
PyObject *mp_copies_first(struct mp_copies *, PyObject *);

#endif
