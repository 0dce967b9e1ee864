/* Text into a block of a fixed size; what has no room is left out. No allocation. */
#ifndef MP_CAPTURE_OBJECTS_WORDS_H
#define MP_CAPTURE_OBJECTS_WORDS_H

#include "capture/heap/frames/layout.h"

#include <stddef.h>

struct mp_words {
    char *text; /* borrowed */
    size_t size, room;
};

void mp_words_put(struct mp_words *, const char *);
void mp_words_put_bytes(struct mp_words *, const char *, size_t length);
void mp_words_put_number(struct mp_words *, long long);

/* At most `most` characters of a str, then a mark; as UTF-8, control characters as spaces. */
void mp_words_put_text(struct mp_words *, PyObject *text, Py_ssize_t most);

/* The module, but for builtins and __main__, and the qualified name. */
void mp_words_put_type(struct mp_words *, PyTypeObject *);

#endif
