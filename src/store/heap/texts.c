#include "store/heap/texts.h"

#include <stdlib.h>

#include "base/mix.h"

/* Names of stacks, in all: real ones have some 200 bytes for a node of 64. */
enum { NAMES_FACTOR = 16, NAMES_ALWAYS = 16 << 20 };

/* The names that were met. */
struct met {
    struct mp_heap_text *slots; /* of no length: empty */
    size_t mask;
};

static bool is_new(struct met *met, struct mp_heap_text text)
{
    size_t at = (size_t)mp_mix(text.offset, text.length) & met->mask;
    for (; met->slots[at].length; at = (at + 1) & met->mask)
        if (met->slots[at].offset == text.offset && met->slots[at].length == text.length)
            return false;
    met->slots[at] = text;
    return true;
}

static uint64_t length_once(struct met *met, struct mp_heap_text text)
{
    return text.length && is_new(met, text) ? text.length : 0;
}

static void check_bytes(const struct mp_heap_view *view, struct met *met,
                        struct mp_heap_texts_problem *problem)
{
    uint64_t lines = 0, names = 0;
    for (uint32_t i = 0; i < view->counts[MP_HEAP_CODES] && !problem->wrong; i++) {
        const struct mp_heap_code *code = &view->codes[i];
        lines += code->lines.length;
        names += length_once(met, code->name) + length_once(met, code->file);
        problem->code = i;
        if (lines + names > view->counts[MP_HEAP_TEXT])
            problem->wrong = "texts overlap";
    }
}

static uint64_t name_bytes(const struct mp_heap_code *code)
{
    return (uint64_t)code->name.length + code->file.length;
}

static void check_names(const struct mp_heap_view *view, size_t bytes,
                        struct mp_heap_texts_problem *problem)
{
    uint64_t names = 0, most = (uint64_t)bytes * NAMES_FACTOR + NAMES_ALWAYS;
    for (uint32_t i = 0; i < view->counts[MP_HEAP_CODES]; i++)
        names += name_bytes(&view->codes[i]);
    for (size_t i = 0; i < view->counts[MP_HEAP_NODES] && names <= most; i++) {
        problem->code = view->nodes[i].code;
        names += name_bytes(&view->codes[problem->code]);
    }
    if (names > most)
        problem->wrong = "names are too long for so many stacks";
}

int mp_heap_texts_check(const struct mp_heap_view *view, size_t bytes,
                        struct mp_heap_texts_problem *problem)
{
    size_t room = 16;
    while (room < view->counts[MP_HEAP_CODES] * 4)
        room *= 2;
    struct met met = {calloc(room, sizeof *met.slots), room - 1};
    *problem = (struct mp_heap_texts_problem){0};
    if (!met.slots)
        return -1;
    check_bytes(view, &met, problem);
    free(met.slots);
    if (!problem->wrong)
        check_names(view, bytes, problem);
    return 0;
}
