/* Texts of rows about objects, for people and for programs. */
#ifndef MP_REPORT_HEAP_TABBED_H
#define MP_REPORT_HEAP_TABBED_H

#include "report/heap/parts.h"

/* A line's place, which ends in a tab and the function; on its line are so many columns beside. */
void mp_heap_put_tabbed(FILE *, const struct mp_heap_style *, const char *text, size_t all,
                        int beside);

/* A further key of an object. */
void mp_heap_put_json_text(FILE *, const char *key, const char *text, size_t length);

#endif
