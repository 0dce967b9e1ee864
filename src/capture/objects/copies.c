#include "capture/objects/copies.h"

#include <string.h>

#include "base/mix.h"
#include "base/pages.h"

enum { ADDRESS_BITS = 48 };

static size_t slots_for(size_t most)
{
    size_t slots = 16;
    while (slots < most * 2)
        slots *= 2;
    return slots;
}

int mp_copies_init(struct mp_copies *copies, size_t most)
{
    size_t room = slots_for(most);
    *copies = (struct mp_copies){.mask = room - 1, .room = room};
    copies->slots = mp_pages_new(room, sizeof *copies->slots);
    return copies->slots ? 0 : -1;
}

void mp_copies_release(struct mp_copies *copies)
{
    mp_pages_free(copies->slots, copies->room, sizeof *copies->slots);
    *copies = (struct mp_copies){0};
}

void mp_copies_clear(struct mp_copies *copies, size_t most)
{
    size_t slots = slots_for(most);
    copies->mask = (slots < copies->room ? slots : copies->room) - 1;
    copies->count = 0;
    memset(copies->slots, 0, (copies->mask + 1) * sizeof *copies->slots);
}

struct content {
    const char *bytes;
    size_t length;
    int kind; /* of the characters; 0: bytes */
};

static struct content content_of(PyObject *object)
{
    if (PyBytes_CheckExact(object))
        return (struct content){PyBytes_AS_STRING(object), (size_t)PyBytes_GET_SIZE(object),
                                0};
    int kind = (int)PyUnicode_KIND(object);
    return (struct content){PyUnicode_DATA(object),
                            (size_t)PyUnicode_GET_LENGTH(object) * (size_t)kind, kind};
}

bool mp_copies_can_be(PyObject *object)
{
    if (PyBytes_CheckExact(object))
        return PyBytes_GET_SIZE(object) > 1;
    return PyUnicode_CheckExact(object) && PyUnicode_GET_LENGTH(object) > 1 &&
           PyUnicode_IS_READY(object);
}

size_t mp_copies_length(PyObject *object)
{
    return content_of(object).length;
}

static bool is_same(const struct content *content, PyObject *other)
{
    struct content its = content_of(other);
    return its.kind == content->kind && its.length == content->length &&
           !memcmp(its.bytes, content->bytes, content->length);
}

PyObject *mp_copies_first(struct mp_copies *copies, PyObject *object)
{
    struct content content = content_of(object);
    uint64_t hash = mp_mix_bytes(content.bytes, content.length);
    uint64_t mark = hash >> ADDRESS_BITS << ADDRESS_BITS;
    size_t at = hash & copies->mask;
    for (; copies->slots[at]; at = (at + 1) & copies->mask) {
        uint64_t there = copies->slots[at];
        PyObject *other =
            (PyObject *)(uintptr_t)(there & (((uint64_t)1 << ADDRESS_BITS) - 1));
        if (there - (uintptr_t)other == mark && is_same(&content, other))
            return other;
    }
    if (copies->count * 2 > copies->mask)
        return NULL;
    copies->slots[at] = mark | (uintptr_t)object;
    copies->count++;
    return object;
}
