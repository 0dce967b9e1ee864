/* What grew and what shrank between two captures: as text, for programs, and for GitHub's pages.
 *
 *        grew      before       after  line
 *   +32.0 MiB    10.0 MiB    42.0 MiB  app.py:71 load
 *                                        rows = list(reader)
 *    +2.0 MiB         0 B     2.0 MiB  app.py:33 Cache.put (new)
 */
#ifndef MP_REPORT_HEAP_DIFF_H
#define MP_REPORT_HEAP_DIFF_H

#include "aggregate/heap/diff.h"
#include "report/heap/limit.h"
#include "report/heap/parts.h"
#include "report/heap/processes.h"

/* One of the two. */
struct mp_heap_diff_side {
    const char *name; /* of the file, or file@moment */
    const char *incomplete;
    const struct mp_heap_processes *processes;
    struct mp_heap_style style; /* of its names */
};

struct mp_heap_diff_view {
    const struct mp_heap_diff *diff;
    struct mp_heap_diff_side sides[MP_HEAP_SIDES];
    size_t most; /* rows of each table in text, annotations; 0: the usual */
    struct mp_heap_limit limit;
};

extern const char
    *const mp_heap_diff_names[MP_HEAP_DIFF_BYS]; /* "line", "your-line", ... */

void mp_heap_diff_text(FILE *, const struct mp_heap_diff_view *);
void mp_heap_diff_json(FILE *, const struct mp_heap_diff_view *);
void mp_heap_diff_csv(FILE *, const struct mp_heap_diff_view *);

/* Workflow commands: an error for each row that grew by more than the limit, where it is; without
   a limit a warning for each that grew. `root`: the folder that paths are from; NULL: whole ones. */
void mp_heap_diff_github(FILE *, const struct mp_heap_diff_view *, const char *root);

/* Why the two are not alike, a line each; nothing where they are. */
void mp_heap_diff_unlike(FILE *, const struct mp_heap_diff_view *);

/* The same as strings of JSON, with commas between. */
void mp_heap_diff_put_unlike(FILE *, const struct mp_heap_diff_view *);

/* A command's words without folders: "/ci/a/bin/app.py -x" and "app.py -x" are one. It is no longer than it was. */
void mp_heap_diff_command(char to[MP_HEAP_COMMAND], const char *command);

/* Whether a row, or the whole, grew by more than the limit. */
bool mp_heap_diff_is_over(const struct mp_heap_diff_view *,
                          const struct mp_heap_difference *);

/* A thousandth of the larger heap: what differs by less is not worth a row. */
int64_t mp_heap_diff_weight(const struct mp_heap_diff *);
bool mp_heap_diff_has_weight(const struct mp_heap_diff *,
                             const struct mp_heap_difference *);

/* ", at the peak"; "" where the two are at moments of their own. */
const char *mp_heap_diff_when(const struct mp_heap_diff_view *);

/* "new", "gone" or "". */
const char *mp_heap_difference_mark(const struct mp_heap_difference *);

/* "+1.5 MiB", "-12 B", "0 B". */
const char *mp_heap_growth(int64_t bytes, char room[MP_HEAP_FIGURE]);

/* "app.py:71 load", "(importing modules)": what a row is of, in at most so many columns; 0: all. */
void mp_heap_difference_put(FILE *, const struct mp_heap_diff_view *,
                            const struct mp_heap_difference *, int columns);

#endif
