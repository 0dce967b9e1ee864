/* What grew and what shrank between two captures: their figures row beside row.
 *
 *     app.py:41 load   10 MiB  ┐
 *                              ├─►  app.py:71 load   10 MiB  42 MiB   grew by 32 MiB
 *     app.py:71 load   42 MiB  ┘
 */
#ifndef MP_AGGREGATE_HEAP_DIFF_H
#define MP_AGGREGATE_HEAP_DIFF_H

#include "aggregate/heap/calls.h"
#include "aggregate/heap/twins.h"
#include "aggregate/heap/lexicon.h"

enum mp_heap_diff_by {
    MP_HEAP_DIFF_LINE,
    MP_HEAP_DIFF_YOUR_LINE, /* the nearest above that is the user's own */
    MP_HEAP_DIFF_FUNCTION,
    MP_HEAP_DIFF_FILE,
    MP_HEAP_DIFF_MODULE,
    MP_HEAP_DIFF_PROCESS,
    MP_HEAP_DIFF_TYPE, /* of what is live: what the blocks are */
    MP_HEAP_DIFF_BYS
};

enum mp_heap_difference_kind {
    MP_HEAP_ROW_PLACE,
    MP_HEAP_ROW_MODULE,  /* installed, or of Python's library */
    MP_HEAP_ROW_NOWHERE, /* no Python code was running */
    MP_HEAP_ROW_IMPORTS, /* import machinery */
    MP_HEAP_ROW_OWN,     /* memory_profiler itself */
    MP_HEAP_ROW_NOBODY,  /* no line of the user's led there */
    MP_HEAP_ROW_PROCESS,
    MP_HEAP_ROW_TYPE
};

enum mp_heap_difference_status { MP_HEAP_GREW, MP_HEAP_SHRANK, MP_HEAP_UNCHANGED };

struct mp_heap_difference {
    enum mp_heap_difference_kind kind;
    enum mp_heap_difference_status status;
    uint32_t code[MP_HEAP_SIDES]; /* of a process or a type: its number, from 0 on */
    int line[MP_HEAP_SIDES];      /* of a function its first; 0 where rows are larger */
    bool there[MP_HEAP_SIDES];
    struct mp_heap_amount amount[MP_HEAP_SIDES];
    int64_t kept;   /* bytes of one run that were there at both moments, at least */
    int64_t growth; /* bytes */
    int64_t error;  /* its standard error; 0 where every block was recorded */
    struct mp_heap_difference_key {
        uint32_t what; /* number of a function, a file, a module, a process or a type */
        int line;      /* after; of one that is gone before, and negative */
    } key;
};

/* A process of one side, as rows of processes are made of. */
struct mp_heap_diff_process {
    const char *command;
    struct mp_heap_line sum;
};

struct mp_heap_diff {
    const struct mp_heap_side *sides; /* borrowed */
    enum mp_heap_diff_by by;
    enum mp_heap_measure measure;
    struct mp_heap_difference
        *changes; /* owned: what grew most first, what shrank most, the rest */
    size_t count, room;
    size_t grew, shrank; /* how many of each */
    struct mp_heap_difference whole;
    struct mp_heap_twins twins;
    struct mp_heap_lexicon lexicon; /* names of modules and types, commands of processes */
    struct mp_slots slots;          /* positions + 1 of the changes */
};

/* `processes` and `counts`: of each side, where rows are processes. Where rows are types the measure is what is
   live, and an object counts with what it keeps beside. Growth within two standard errors is none.
   0, or -1 with errno ENOMEM. The caller releases it either way. Sums stop at the largest number. */
int mp_heap_diff_init(struct mp_heap_diff *, const struct mp_heap_side *sides,
                      enum mp_heap_diff_by, enum mp_heap_measure);
int mp_heap_diff_processes(struct mp_heap_diff *, const struct mp_heap_side *sides,
                           const struct mp_heap_diff_process *const processes[],
                           const size_t counts[], enum mp_heap_measure);
void mp_heap_diff_release(struct mp_heap_diff *);

/* The sum of the changes from `first` to before `end`. */
struct mp_heap_difference mp_heap_diff_sum(const struct mp_heap_diff *, size_t first,
                                           size_t end);

/* The side that says what a row is called: after, where it is there. */
static inline int mp_heap_difference_side(const struct mp_heap_difference *change)
{
    return change->there[MP_HEAP_AFTER] || !change->there[MP_HEAP_BEFORE];
}

#endif
