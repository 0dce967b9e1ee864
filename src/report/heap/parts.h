/* What the texts about a heap capture are made of: sizes, counts, places, in columns. */
#ifndef MP_REPORT_HEAP_PARTS_H
#define MP_REPORT_HEAP_PARTS_H

#include <stdbool.h>
#include <stdio.h>

#include "aggregate/heap/paths.h"
#include "record/heap.h"

struct mp_heap_style {
    int width;     /* columns; 0: as many as it takes */
    bool utf8;     /* else names and source are ASCII, other bytes as \xNN */
    bool drawings; /* else pictures are ASCII */
    bool colour;   /* the user's own places are bold */
    const struct mp_heap_paths *paths; /* files have short names; NULL: whole ones */
};

enum { MP_HEAP_FIGURE = 32 };

/* The places of what import machinery and we allocate; rows below this share are summed in one. */
#define MP_HEAP_IMPORTING "(importing modules)"
#define MP_HEAP_OWN_NAME "(memory_profiler itself)"
#define MP_HEAP_NOT_YOURS "(no line of yours)"
#define MP_HEAP_LEAST_SHARE 0.005

/* Each returns its room: "1.5 MiB", whole bytes below 1 KiB; "1.5M", "12B"; "12,345". */
const char *mp_heap_size(int64_t bytes, char room[MP_HEAP_FIGURE]);
const char *mp_heap_short_size(int64_t bytes, char room[MP_HEAP_FIGURE]);
const char *mp_heap_count(uint64_t number, char room[MP_HEAP_FIGURE]);

/* "-12,345" */
const char *mp_heap_signed_count(int64_t number, char room[MP_HEAP_FIGURE]);

/* How many blocks, or "-" where bytes have none: they are mappings. */
const char *mp_heap_blocks(uint64_t blocks, uint64_t bytes, char room[MP_HEAP_FIGURE]);

/* The size, and where blocks were sampled its standard error: "1.5 GiB +-28.4 MiB". */
const char *mp_heap_estimate(const struct mp_heap_header *, int64_t bytes,
                             char room[MP_HEAP_FIGURE]);

/* Of growth: `varied` is all that came, and that went. */
const char *mp_heap_estimate_of(const struct mp_heap_header *, int64_t bytes,
                                int64_t varied, char room[MP_HEAP_FIGURE]);

/* The same as the first for a column as narrow as that of mp_heap_size, of which the error takes some digits:
   "1.5 GiB", "1.5G+-28M". */
const char *mp_heap_tight_estimate(const struct mp_heap_header *, int64_t bytes,
                                   char room[MP_HEAP_FIGURE]);

/* How wide mp_heap_estimate's columns are, at least. */
int mp_heap_estimate_width(const struct mp_heap_header *);

enum mp_heap_cut {
    MP_HEAP_CUT_START, /* "...ckage/module.py" */
    MP_HEAP_CUT_END    /* "rows = [int(wo..." */
};

/* Escaped; cut to `columns` (0: not), which is at least 4 then. */
void mp_heap_put_text(FILE *, const struct mp_heap_style *, const char *text, size_t length,
                      int columns, enum mp_heap_cut);

/* A file's name, the short one where there is one. */
void mp_heap_put_file(FILE *, const struct mp_heap_style *, const struct mp_heap_view *,
                      struct mp_heap_text file, int columns);

/* "file.py:12 function", or that no Python code ran. The number is never cut. */
void mp_heap_put_place(FILE *, const struct mp_heap_style *, const struct mp_heap_view *,
                       uint32_t code, int line, int columns);

/* Where the place, file or source of a row begins, and where it ends: the user's own are bold. */
void mp_heap_begin_place(FILE *, const struct mp_heap_style *, bool users);
void mp_heap_end_place(FILE *, const struct mp_heap_style *, bool users);

/* A line of source, tabs as blanks; cut at its end. */
void mp_heap_put_source(FILE *, const struct mp_heap_style *, const char *text,
                        size_t length, int columns);

/* 2026-11-25 10:20:31, local time. */
void mp_heap_put_time(FILE *, int64_t wall);

#endif
