/* What is above and below the rows of mprof top, whatever they are of.
 *
 *     app.py 3   pid 4711, 3 processes, running for 3.1 h
 *     heap  118.2 MiB  +1.2 MiB/s  +20.1 MiB since 14:32:10  at most 130.1 MiB
 *     RSS   212.0 MiB
 *     heap  ▁▂▃▄▅▆▇█
 *     ...rows...
 *     q quit  o sort  g group
 *
 * Lines end with a newline and fit the width; there are no more of them than the height.
 */
#ifndef MP_REPORT_TOP_SCREEN_H
#define MP_REPORT_TOP_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "report/heap/parts.h"

enum { MP_TOP_NARROW = 40 /* columns that there must be */ };

struct mp_top_point {
    int64_t time;       /* ns since 1970 */
    int64_t figures[2]; /* of each curve, bytes; -1: not known */
};

struct mp_top_screen {
    const char *command; /* what is recorded, words ended by NUL, or NULL */
    size_t command_length;
    const char *file;
    int64_t pid; /* 0: not known */
    size_t processes;
    const char *state;     /* "running", "ended"... */
    bool attached;         /* it runs, and did before it was recorded */
    int64_t elapsed;       /* ns that it has been recorded; -1: not known */
    const char *curves[2]; /* "heap", "RSS": what each is of; NULL: there is none */
    const struct mp_top_point *points; /* ascending */
    size_t point_count;
    const char *message; /* in place of the keys; NULL: none */
    const char *keys;    /* NULL: nobody can press any */
    bool frozen;
    struct mp_heap_style style;
    int height; /* lines; 0: as many as there are */
};

/* How many lines there are for rows, behind the head and before the keys; SIZE_MAX: any number. */
size_t mp_top_room(const struct mp_top_screen *);

/* The first line. */
void mp_top_put_title(FILE *, const struct mp_top_screen *);

/* Those with curves, where there is room for them. */
void mp_top_put_curves(FILE *, const struct mp_top_screen *);

/* The last line. */
void mp_top_put_foot(FILE *, const struct mp_top_screen *);

/* A line of text, cut to the width. */
void mp_top_put_line(FILE *, const struct mp_top_screen *, const char *text);
void mp_top_put_lines(FILE *, const struct mp_top_screen *, const char *const *lines,
                      size_t count);

/* The second line: those of its parts that fit, whole, since a figure that is cut is another one. */
struct mp_top_sums {
    const struct mp_top_screen *screen;
    char text[512];
    size_t length;
};

void mp_top_sums_add(struct mp_top_sums *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Where the head of columns, or the row that is chosen, begins and ends. */
void mp_top_begin_strong(FILE *, const struct mp_top_screen *);
void mp_top_end_strong(FILE *, const struct mp_top_screen *);

/* "+1.2M", "-12.3K", "0": growth, in few columns; "+1.2M/s". */
const char *mp_top_growth(int64_t bytes, char room[MP_HEAP_FIGURE]);
const char *mp_top_rate(double bytes, char room[MP_HEAP_FIGURE]);

/* Where no column says what it is: "0/s". */
const char *mp_top_whole_rate(double bytes, char room[MP_HEAP_FIGURE]);

/* "3.1 h", "12 s". */
const char *mp_top_duration(int64_t ns, char room[MP_HEAP_FIGURE]);

/* How many columns a text takes once it is escaped. */
int mp_top_columns(const struct mp_heap_style *, const char *text, size_t length);

#endif
