/* Waste as it is asked with the lines of a recording, and as a capture keeps it. */
#ifndef MP_PYTHON_WASTE_LINES_H
#define MP_PYTHON_WASTE_LINES_H

#include <Python.h>

#include "aggregate/heap/lines.h"
#include "capture/objects/question.h"
#include "record/holders.h"

enum { MP_LINE_PLACE = 1 << 10 };

/* "/home/me/app.py:12", a tab, "load". Its bytes; the text has no end. */
size_t mp_line_place(char text[MP_LINE_PLACE], const struct mp_heap_view *,
                     const struct mp_heap_line *);

/* Of each stack the nearest line that is the user's, or its own. */
struct mp_waste_places {
    struct mp_waste_lines lines;
    uint32_t *places; /* owned */
};

/* Of the recording that is open. 0, or -1 with errno ENOMEM. */
int mp_waste_places_init(struct mp_waste_places *, const struct mp_heap_view *,
                         const struct mp_heap_own *, const struct mp_heap_lines *);
void mp_waste_places_release(struct mp_waste_places *);

struct mp_waste_kept {
    struct mp_heap_waste rows[1 + MP_WASTE_ROWS];
    size_t count;
    char text[MP_WASTE_TEXT + MP_WASTE_ROWS * MP_LINE_PLACE];
    size_t size; /* of the text: that of the waste, then the places */
};

/* What there is without memory is there. */
void mp_waste_fill(struct mp_waste_kept *, const struct mp_waste *,
                   const struct mp_heap_view *, const struct mp_heap_lines *);

#endif
