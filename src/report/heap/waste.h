/* What objects did not need when a recording ended: text for people, JSON in bytes for programs. */
#ifndef MP_REPORT_HEAP_WASTE_H
#define MP_REPORT_HEAP_WASTE_H

#include "report/heap/parts.h"

/* Nothing where the recording does not say it. */
void mp_heap_waste_text(FILE *, const struct mp_heap_view *, const struct mp_heap_style *);

/* The value of a key: an object, or null where the recording does not say it. */
void mp_heap_waste_json(FILE *, const struct mp_heap_view *);

#endif
