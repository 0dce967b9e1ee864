/* What can be asked about the objects of a process. */
#ifndef MP_CAPTURE_OBJECTS_QUESTION_H
#define MP_CAPTURE_OBJECTS_QUESTION_H

#include "capture/heap/frames/layout.h"

#include <stddef.h>
#include <stdint.h>

#include "capture/heap/accounting/shadow.h"

enum mp_question_kind {
    MP_ASK_LARGEST,       /* what retains most of all */
    MP_ASK_OBJECT,        /* one object: who refers to it */
    MP_ASK_TYPES,         /* all of exactly these types, */
    MP_ASK_OBJECTS,       /* or of a list: those that are held alike as one row */
    MP_ASK_WASTE,         /* what objects take and would not need */
    MP_ASK_EACH_TYPE,     /* of several: as MP_ASK_TYPES of each */
    MP_ASK_LARGEST_TYPES, /* the same of those whose objects are largest together */
    MP_ASK_OWNERS         /* what retains much, below what retains it */
};

/* At which line blocks were allocated. All borrowed; of the moment when a child was made, in which alone it is asked. */
struct mp_waste_lines {
    const struct mp_shadow *shadow;
    const uint32_t *places; /* of each stack: the number of its line; 0: none is known */
    size_t nodes;           /* stacks */
};

/* Borrowed: the one, the types, or a list, which is not read but for its addresses. */
struct mp_question {
    enum mp_question_kind kind;
    PyObject *const *objects;
    size_t count;
    const struct mp_waste_lines *lines; /* of waste; NULL: nothing is recorded */
};

#endif
