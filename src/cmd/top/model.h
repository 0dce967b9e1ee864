/* What mprof top shows, whatever it is of: read again and again, printed, asked by keys. */
#ifndef MP_CMD_TOP_MODEL_H
#define MP_CMD_TOP_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "aggregate/heap/mine.h"
#include "cmd/heap/range.h"
#include "report/heap/parts.h"

/* Keys that are no characters. */
enum mp_top_key {
    MP_TOP_UP = 256,
    MP_TOP_DOWN,
    MP_TOP_PAGE_UP,
    MP_TOP_PAGE_DOWN,
    MP_TOP_HOME,
    MP_TOP_END,
    MP_TOP_ENTER,
    MP_TOP_ESCAPE
};

struct mp_top_options {
    int group, sort;  /* enum mp_heap_live_group, mp_heap_live_order */
    size_t most;      /* rows; 0: not given */
    int64_t interval; /* ns */
    bool once, json, alone;
    bool of_moments; /* once, and no interval given: growth is that since a moment */
    struct mp_heap_asked_range since;
    int colour; /* enum mp_colour */
    struct mp_heap_mine mine;
    int64_t pid;        /* that was named; 0: a file was */
    const char *output; /* where it goes, where we attach; NULL: by the time */
    bool children;      /* those that it starts from then on, too */
    char note[160];     /* to be told at first; "": nothing */
};

/* How it is to be printed. */
struct mp_top_size {
    int width, height; /* 0: any */
    bool utf8, colour, keys;
};

struct mp_top_model {
    void *it;
    /* Reads it again. Returns 0, or the exit code of a failure that was said. */
    int (*look)(void *it);
    void (*print)(void *it, FILE *, const struct mp_top_size *);
    void (*json)(void *it, FILE *);
    /* A key that the loop has no use for. */
    void (*key)(void *it, int key);
    bool (*is_over)(const void *it); /* nothing will change any more */
    bool (*is_frozen)(const void *it);
    void (*release)(void *it);
    bool is_rated_at_once; /* growth a second takes one look */
};

/* Opens a recording. Returns 0, or the exit code, and why was said. */
int mp_top_open_heap(struct mp_top_model *, const char *path,
                     const struct mp_top_options *);
int mp_top_open_timeline(struct mp_top_model *, const char *path,
                         const struct mp_top_options *);

/* Shows it until it ends, or the user does not want any more. Returns the exit code. */
int mp_top_loop(struct mp_top_model *, const struct mp_top_options *);

#endif
