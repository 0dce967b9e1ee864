/* What the commands that show a heap capture have in common: it, its lines, its source. */
#ifndef MP_CMD_HEAP_VIEWS_H
#define MP_CMD_HEAP_VIEWS_H

#include "aggregate/heap_lines.h"
#include "cmd/heap_run.h"
#include "cmd/source.h"
#include "report/heap_parts.h"

struct mp_heap_views {
    char *path; /* owned */
    struct mp_heap_run run;
    struct mp_heap_own own;
    const struct mp_heap_own *hidden; /* &own, or NULL: all frames are shown */
    struct mp_heap_lines lines;
    struct mp_heap_paths paths;
    struct mp_source source;
    char *here;                 /* owned */
    struct mp_heap_style style; /* of standard output */
};

enum mp_heap_how {
    MP_HEAP_ALL_FRAMES = 1, /* ours too */
    MP_HEAP_ALONE = 2,      /* without children */
    MP_HEAP_TOGETHER = 4    /* lines of import machinery are one */
};

/* `operand` NULL: the newest capture here. `how`: of the flags above. Returns 0, or the exit code,
   and why was said; the caller releases it either way. */
int mp_heap_views_init(struct mp_heap_views *, const char *operand, unsigned how);
void mp_heap_views_release(struct mp_heap_views *);

/* Takes the value of -n: NULL, or what is wrong with it. */
const char *mp_heap_take_most(size_t *most, const char *value);

#endif
