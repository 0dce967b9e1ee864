/* Python strings copied into a capture's text table without any call that could allocate. */
#ifndef MP_CAPTURE_HEAP_FRAMES_TEXT_H
#define MP_CAPTURE_HEAP_FRAMES_TEXT_H

#include <Python.h>

#include <stdbool.h>

#include "record/heap.h"

/* The most bytes that one of the functions below takes for a string or for bytes. */
size_t mp_text_most(PyObject *);

/* Appends a string as UTF-8, cut at 4096 characters; what surrogateescape made of bytes becomes those
   bytes. Not counted in the table until mp_text_keep(); the caller has reserved the room. */
struct mp_heap_text mp_text_put(struct mp_heap *, PyObject *string);

/* The same for bytes, all of them. */
struct mp_heap_text mp_text_put_bytes(struct mp_heap *, PyObject *bytes);

struct mp_heap_text mp_text_put_string(struct mp_heap *, const char *string);

/* The path of a code object's file as far as ASCII goes, other characters as `?`; cut to what is
   there. Returns the length. */
size_t mp_text_path(PyObject *string, char *path, size_t room);

/* Makes the text that was put last part of the table. */
void mp_text_keep(struct mp_heap *, struct mp_heap_text);

uint32_t mp_text_hash(const struct mp_heap *, struct mp_heap_text);
bool mp_text_equal(const struct mp_heap *, struct mp_heap_text, struct mp_heap_text);

#endif
