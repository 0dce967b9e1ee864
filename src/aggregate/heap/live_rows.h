/* What a live heap is made of; behind live.h, which says what it is for. */
#ifndef MP_AGGREGATE_HEAP_LIVE_ROWS_H
#define MP_AGGREGATE_HEAP_LIVE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate/heap/mine.h"
#include "base/slots.h"
#include "record/heap.h"

enum mp_heap_live_group {
    MP_HEAP_LIVE_YOURS, /* with what libraries allocated that they called */
    MP_HEAP_LIVE_LINES,
    MP_HEAP_LIVE_FUNCTIONS,
    MP_HEAP_LIVE_FILES,
    MP_HEAP_LIVE_MODULES,
    MP_HEAP_LIVE_PROCESSES,
    MP_HEAP_LIVE_THREADS, /* what they allocated, who ever freed it: nothing is live or at peak */
    MP_HEAP_LIVE_GROUPS
};
extern const char mp_heap_live_groups[]; /* "your-line line ...", in this order */

enum mp_heap_live_order {
    MP_HEAP_LIVE_BY_LIVE,
    MP_HEAP_LIVE_BY_RATE,
    MP_HEAP_LIVE_BY_GROWTH,
    MP_HEAP_LIVE_BY_PEAK,
    MP_HEAP_LIVE_BY_BLOCKS,
    MP_HEAP_LIVE_BY_ALLOCATED,
    MP_HEAP_LIVE_BY_TEMPORARY,
    MP_HEAP_LIVE_ORDERS
};
extern const char
    mp_heap_live_orders[]; /* "live rate since peak blocks allocated temporary" */

/* What is no place in code. */
enum mp_heap_live_kind {
    MP_HEAP_LIVE_PLACE,
    MP_HEAP_LIVE_NOT_YOURS, /* no line of the user's led there */
    MP_HEAP_LIVE_IMPORTING, /* import machinery */
    MP_HEAP_LIVE_OWN,       /* memory_profiler */
    MP_HEAP_LIVE_NOWHERE,   /* no Python code was running */
    MP_HEAP_LIVE_PROCESS,
    MP_HEAP_LIVE_THREAD
};

struct mp_heap_live_figures {
    int64_t live, at_peak; /* bytes */
    uint64_t blocks;       /* live ones */
    uint64_t total, allocations, temporary;
};

struct mp_heap_live_row {
    uint64_t id; /* of its file, function and line, the same in all lists */
    enum mp_heap_live_kind kind;
    struct mp_heap_text file, name; /* in the rows' text */
    uint32_t skip;                  /* bytes of the file's name that need not be shown */
    int64_t line;                   /* or the number of a process or thread; 0: none */
    bool users;
    struct mp_heap_live_figures now;
    int64_t marked; /* what was live, of a thread allocated, when it was marked; */
    int64_t before; /* at the look before */
    double rate;    /* bytes a second, of the last looks */
};

/* A process, as far as it was looked at. Zero but for `view` is a beginning. */
struct mp_heap_live_process {
    const struct mp_heap_view *view; /* borrowed; it only grows */
    int64_t pid;
    const char *name; /* borrowed: what the process is called; NULL: not known */
    struct mp_heap_own own;
    struct mp_heap_live_site {
        uint32_t code, instruction;
        uint32_t row; /* + 1, where rows are made of code; 0: not found yet */
        int line;
        uint64_t
            place; /* a number of its file, function and line, the same in all processes */
    } * sites;     /* owned, as all */
    struct mp_slots index;
    struct mp_heap_live_node {
        uint32_t site, row; /* row + 1; 0: not found yet */
        uint32_t near;  /* the nearest node that is the user's, itself included; 0: none */
        uint64_t stack; /* a number of its stack by lines, the same in all processes */
        int64_t marked; /* what it held at the mark */
    } * nodes;
    bool *users; /* of each code, as it was when rows were found */
    int64_t *threads;
    size_t count, placed, site_count, code_count; /* nodes known, with rows; sites; codes */
    size_t node_room, site_room, user_room, thread_room;
};

struct mp_heap_live {
    enum mp_heap_live_group group;
    const struct mp_heap_mine
        *mine[2];                  /* borrowed; the second has the last word; NULL: none */
    const char *here;              /* borrowed: the working directory, or NULL */
    struct mp_heap_live_row *rows; /* owned, as all */
    char *text;
    struct mp_slots index;
    size_t count, room, text_size, text_room;
    struct mp_heap_live_row whole; /* the sum of all rows; no place */
    bool was_looked_at, was_rated; /* since rows are what they are */
};

#endif
