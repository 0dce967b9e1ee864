/* What a recording kept of who held objects: when it ended, or when another process asked. */
#ifndef MP_RECORD_HEAP_HOLDERS_H
#define MP_RECORD_HEAP_HOLDERS_H

#include <stdint.h>

enum mp_heap_holder_kind {
    MP_HEAP_HOLDER_ALL,     /* a sum: objects, references in `bytes`, what anything holds */
    MP_HEAP_HOLDER_BROKEN,  /* the only one: the child that looked died over a type */
    MP_HEAP_HOLDER_LARGEST, /* what retained most */
    MP_HEAP_HOLDER_TYPE,    /* of a type's objects, those held alike */
    MP_HEAP_HOLDER_LINE,    /* of what a line allocated */
    MP_HEAP_HOLDER_NO_MEMORY, /* the only one: there was no memory to look */
    MP_HEAP_HOLDER_OWNER,     /* what retains much, below what retains it */
    MP_HEAP_HOLDER_KINDS
};

/* As record/holders.h has it. Texts are of the table of texts. */
struct mp_heap_holder {
    uint32_t of, of_length; /* the type, the place of the line */
    uint32_t path, path_length;
    uint32_t kind,
        others; /* ways that are summed here, which have no path; of owners the one above */
    uint64_t count, bytes, retained;
};

/* What can be asked for. */
enum mp_heap_wants_of {
    MP_HEAP_WANTS_ALL,     /* what is kept at the end, too */
    MP_HEAP_WANTS_LARGEST, /* of that what retains most */
    MP_HEAP_WANTS_TYPE,    /* all types of a name: "app.Node", "Node" */
    MP_HEAP_WANTS_LINE,    /* what a line allocated: "app.py:12" */
    MP_HEAP_WANTS_WASTE,   /* what is not needed */
    MP_HEAP_WANTS_KINDS
};

enum { MP_HEAP_WANTS_NAME = 256 };

struct mp_heap_wants {
    enum mp_heap_wants_of what;
    const char *name; /* borrowed: of the type, the line; else NULL */
};

/* The same for the same question, others for most others; never 0. */
uint32_t mp_heap_wants_mark(const struct mp_heap_wants *);

/* What another process asks for, in the header. One asks at a time; a number stands for all that ask
   before it is begun. */
struct mp_heap_holders_asked {
    uint32_t asked, begun, answered; /* ever */
    uint32_t wanted;                 /* enum mp_heap_wants_of */
    int64_t time;        /* ns since the start, of the rows there are; 0: of the end */
    uint32_t text, room; /* where the rows' texts are, and may be: the next ones too */
    char name[MP_HEAP_WANTS_NAME]; /* of the type, the line; ended by NUL */
    uint32_t looked; /* up to which number a child has; its answer is to be put here */
    uint32_t of; /* what the rows there are answer, as mp_heap_wants_mark(); 0: not said */
};

#endif
