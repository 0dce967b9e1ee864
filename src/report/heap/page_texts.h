/* The source on the page: the user's files to the last line that matters, of others what is around the lines that hold
 * most. */
#ifndef MP_REPORT_HEAP_PAGE_TEXTS_H
#define MP_REPORT_HEAP_PAGE_TEXTS_H

#include <stdio.h>

#include "report/heap/names.h"

/* "texts": [[number of the file, [first line, text, text ...], ...]], and the comma behind it. 0, or -1 with
   errno ENOMEM. */
int mp_heap_page_texts(FILE *, const struct mp_heap_page *, const struct mp_heap_names *);

#endif
