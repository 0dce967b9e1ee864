#include "capture/heap/frames/text.h"

#include <string.h>

enum { MOST_CHARACTERS = 4096, LONGEST_UTF8 = 4 };

static char *put_character(char *at, Py_UCS4 c)
{
    bool escaped = c >= 0xDC80 && c <= 0xDCFF; /* a byte of a file name */
    if (c < 0x80 || escaped) {
        *at++ = (char)c;
    } else if (c < 0x800) {
        *at++ = (char)(0xC0 | c >> 6);
        *at++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *at++ = (char)(0xE0 | c >> 12);
        *at++ = (char)(0x80 | (c >> 6 & 0x3F));
        *at++ = (char)(0x80 | (c & 0x3F));
    } else {
        *at++ = (char)(0xF0 | c >> 18);
        *at++ = (char)(0x80 | (c >> 12 & 0x3F));
        *at++ = (char)(0x80 | (c >> 6 & 0x3F));
        *at++ = (char)(0x80 | (c & 0x3F));
    }
    return at;
}

size_t mp_text_most(PyObject *object)
{
    if (object && PyUnicode_Check(object)) {
        size_t length = (size_t)PyUnicode_GET_LENGTH(object);
        return (length < MOST_CHARACTERS ? length : MOST_CHARACTERS) * LONGEST_UTF8;
    }
    return object && PyBytes_Check(object) ? (size_t)PyBytes_GET_SIZE(object) : 0;
}

struct mp_heap_text mp_text_put(struct mp_heap *heap, PyObject *string)
{
    struct mp_heap_text none = {0};
    if (!string || !PyUnicode_Check(string))
        return none;
    Py_ssize_t length = PyUnicode_GET_LENGTH(string);
    if (length > MOST_CHARACTERS)
        length = MOST_CHARACTERS;
    uint32_t offset = (uint32_t)heap->header->counts[MP_HEAP_TEXT];
    const void *data = PyUnicode_DATA(string);
    int kind = PyUnicode_KIND(string);
    char *at = heap->text + offset;
    for (Py_ssize_t i = 0; i < length; i++)
        at = put_character(at, PyUnicode_READ(kind, data, i));
    return (struct mp_heap_text){offset, (uint32_t)(at - (heap->text + offset))};
}

static struct mp_heap_text put(struct mp_heap *heap, const char *bytes, size_t length)
{
    uint32_t offset = (uint32_t)heap->header->counts[MP_HEAP_TEXT];
    memcpy(heap->text + offset, bytes, length);
    return (struct mp_heap_text){offset, (uint32_t)length};
}

struct mp_heap_text mp_text_put_bytes(struct mp_heap *heap, PyObject *bytes)
{
    if (!bytes || !PyBytes_Check(bytes))
        return (struct mp_heap_text){0};
    return put(heap, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
}

struct mp_heap_text mp_text_put_string(struct mp_heap *heap, const char *string)
{
    return put(heap, string, strlen(string));
}

size_t mp_text_path(PyObject *string, char *path, size_t room)
{
    if (!string || !PyUnicode_Check(string))
        return 0;
    size_t length = (size_t)PyUnicode_GET_LENGTH(string);
    const void *data = PyUnicode_DATA(string);
    int kind = PyUnicode_KIND(string);
    if (length > room)
        length = room;
    for (size_t i = 0; i < length; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        path[i] = c < 0x80 ? (char)c : '?';
    }
    return length;
}

void mp_text_keep(struct mp_heap *heap, struct mp_heap_text text)
{
    if (text.length)
        __atomic_store_n(&heap->header->counts[MP_HEAP_TEXT],
                         (uint64_t)text.offset + text.length, __ATOMIC_RELEASE);
}

uint32_t mp_text_hash(const struct mp_heap *heap, struct mp_heap_text text)
{
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; i < text.length; i++)
        hash = (hash ^ (unsigned char)heap->text[text.offset + i]) * 16777619u;
    return hash;
}

bool mp_text_equal(const struct mp_heap *heap, struct mp_heap_text a, struct mp_heap_text b)
{
    return a.length == b.length &&
           !memcmp(heap->text + a.offset, heap->text + b.offset, a.length);
}
