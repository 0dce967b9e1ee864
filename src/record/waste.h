/* Memory that objects take and would not need: objects of one kind of waste, type and line as one row.
 *
 *     60,000   str that are copies of others   3.2 MiB would be saved   app.py:12   app.cities[7]
 *
 * One block of memory without pointers: a child process fills it, its parent reads. What is in two rows is in both:
 * they are no parts of a whole.
 */
#ifndef MP_RECORD_WASTE_H
#define MP_RECORD_WASTE_H

#include <stdint.h>

enum {
    MP_WASTE_ROWS = 60,      /* at most */
    MP_WASTE_TEXT = 1 << 14, /* bytes of their types and ways */
    MP_WASTE_LONGEST = 160   /* of what mp_waste_say() writes */
};

enum mp_waste_kind {
    MP_WASTE_COPIES,  /* str, bytes: others have the same content */
    MP_WASTE_EMPTY,   /* list, dict, set: there is nothing in it */
    MP_WASTE_SPARSE,  /* dict, set: one built anew is at most half as large */
    MP_WASTE_SPARE,   /* list: room for items that are not there */
    MP_WASTE_DICTS,   /* instances: attributes that __slots__ would hold */
    MP_WASTE_NUMBERS, /* list: numbers that an array would hold */
    MP_WASTE_WIDE,    /* ndarray: numbers that a smaller type would hold */
    MP_WASTE_REPEATED, /* ndarray of objects: few different str, which categories would hold */
    MP_WASTE_KINDS
};

struct mp_waste_row {
    uint32_t kind;
    uint32_t code; /* of the smaller type: as array.array has it; 0: there is none */
    uint32_t line; /* a number of who asked; 0: it is not known */
    uint32_t of, of_length; /* in the text: the type, */
    uint32_t path, length;  /* the way to one of them */
    uint64_t count, bytes;  /* objects, and what they take now */
    uint64_t saved;         /* of that, what would not be needed */
};

struct mp_waste {
    uint32_t count, text_size;
    uint64_t objects;              /* that were looked at */
    uint64_t unseen;               /* bytes of content that were not: there was too much */
    uint64_t others, others_saved; /* what has no row: how many, and what that would save */
    struct mp_waste_row rows[MP_WASTE_ROWS]; /* what saves most first */
    char text[MP_WASTE_TEXT];                /* UTF-8 */
};

/* "copies", for programs. */
const char *mp_waste_name(enum mp_waste_kind);

/* What it is and what would help, for people: "copies of others; one would do". */
void mp_waste_say(char text[MP_WASTE_LONGEST], enum mp_waste_kind, uint32_t code);

/* What a code is called in an array: "float32"; NULL: it is none. */
const char *mp_waste_type(uint32_t code);

#endif
