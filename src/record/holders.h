/* Who keeps objects alive: objects that are held alike as one row, each with the way to them by names.
 *
 *     60,000   9.2 MiB   retains 31.4 MiB   app.cache._LRU._data['user:…'].rows
 *
 * One block of memory without pointers: a child process fills it, its parent reads.
 */
#ifndef MP_RECORD_HOLDERS_H
#define MP_RECORD_HOLDERS_H

#include <stdint.h>

#include "record/waste.h"

enum {
    MP_HOLDERS_ROWS = 560,    /* at most, of all questions */
    MP_HOLDERS_OF_ONE = 12,   /* of one */
    MP_HOLDERS_TEXT = 1 << 17 /* bytes of all ways */
};

struct mp_holder {
    uint32_t question;      /* its number */
    uint32_t of, of_length; /* in the text: the type, where that was not in the question */
    uint32_t path, length;  /* in the text; of `others` none */
    uint32_t
        others; /* ways to objects that are summed here; 0: it is one way. Of owners: the row that keeps it, among
                        them, from 1 on; 0: no other keeps it alone */
    uint64_t count, bytes; /* objects, and what these are large themselves */
    uint64_t retained;     /* what would go with them */
};

enum mp_holders_end {
    MP_HOLDERS_UNFINISHED, /* the child died over it */
    MP_HOLDERS_DONE,
    MP_HOLDERS_NO_MEMORY
};

struct mp_holders {
    uint32_t end;                 /* enum mp_holders_end */
    uint32_t apart;               /* made by a child, of the moment when it began */
    uint64_t objects, references; /* that there were */
    uint64_t bytes, retained;     /* of all; what is held by a root */
    uint32_t count, text_size;
    struct mp_waste waste; /* where it was asked */
    struct mp_holder rows[MP_HOLDERS_ROWS];
    char text[MP_HOLDERS_TEXT]; /* UTF-8 */
};

#endif
