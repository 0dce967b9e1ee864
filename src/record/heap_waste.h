/* What a recording kept of memory that objects did not need: when it ended, or when another process asked. */
#ifndef MP_RECORD_HEAP_WASTE_H
#define MP_RECORD_HEAP_WASTE_H

#include <stdint.h>

#include "record/waste.h"

enum {
    MP_HEAP_WASTE_ALL, /* a sum: objects, in `bytes` the content that was not looked at; in `code` how many rows there
                           would be more, and what these would save */
    MP_HEAP_WASTE_FIRST /* a row: with the kind of waste beyond this */
};

/* As record/waste.h has it. Texts are of the table of texts. */
struct mp_heap_waste {
    uint32_t kind, code;
    uint32_t of, of_length; /* the type */
    uint32_t place,
        place_length; /* of the line: "/home/me/app.py:12", a tab, "load"; empty: it is not known */
    uint32_t path, path_length; /* to one of them */
    uint64_t count, bytes, saved;
};

#endif
