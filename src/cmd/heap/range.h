/* --at, --between and --since: which moment of a capture is shown, or from which to which something
 * grew.
 */
#ifndef MP_CMD_HEAP_RANGE_H
#define MP_CMD_HEAP_RANGE_H

#include <stdbool.h>

#include "aggregate/heap/moments.h"

enum { MP_HEAP_KEY_AT = 1024, MP_HEAP_KEY_BETWEEN, MP_HEAP_KEY_SINCE };

struct mp_heap_asked_range {
    enum { MP_HEAP_ASKED_NOTHING, MP_HEAP_ASKED_AT, MP_HEAP_ASKED_GROWTH } what;
    struct mp_heap_wanted wanted[2]; /* from, to; of a moment alone: to */
    bool seen[2];                    /* some process of the run has it */
    int64_t walls[2];                /* when that was, ns since 1970 */
};

#define MP_HEAP_OPTIONS_RANGE                                                            \
    {MP_HEAP_KEY_AT, "at", "WHEN",                                                       \
     "show this moment in place of the peak: 12.5s, peak, end, or a mark's name", NULL}, \
        {MP_HEAP_KEY_BETWEEN, "between", "FROM,TO",                                      \
         "show what grew between two moments: times, start, peak, end, marks", NULL},    \
    {                                                                                    \
        MP_HEAP_KEY_SINCE, "since", "WHEN", "show what grew from a moment to the end",   \
            NULL                                                                         \
    }

/* Why a time means nothing of several machines. */
#define MP_HEAP_CLOCKS                                                                \
    "the captures are of machines with clocks of their own: name a mark, which each " \
    "has at its own time, or one capture"

/* Takes one of these options; NULL, or what is wrong with its value. */
const char *mp_heap_range_take(struct mp_heap_asked_range *, int key, const char *value);

/* Whether a key is one of them. */
bool mp_heap_range_is_key(int key);

/* Looks for what was not seen yet in a capture of the run. Whether all was seen by now. */
bool mp_heap_range_look(struct mp_heap_asked_range *, const struct mp_heap_view *);

/* Which instants of a run's first capture are meant, in `range`, once all that may have them were looked
   at. Returns 0, or the exit code, and why was said. */
int mp_heap_range_find(const struct mp_heap_asked_range *, const struct mp_heap_view *first,
                       const char *path, struct mp_heap_range *range);

/* Those of another process: its own start, peak and end, its own mark of that name, else what is nearest in
   time; nothing where the clocks are two. */
void mp_heap_range_beside(const struct mp_heap_asked_range *, const struct mp_heap_view *,
                          bool one_clock, struct mp_heap_range *range);

/* Whether a moment is asked for by its time. */
bool mp_heap_range_is_time(const struct mp_heap_asked_range *);

#endif
