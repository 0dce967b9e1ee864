/* What the page of a heap capture names: the functions that something shown is in, grouped by file
 * and numbered through, and the source of each line shown. */
#ifndef MP_REPORT_HEAP_NAMES_H
#define MP_REPORT_HEAP_NAMES_H

#include "report/heap/page_parts.h"

struct mp_heap_place {
    uint32_t function; /* its number */
    int line;
};

struct mp_heap_names {
    const struct mp_heap_view *view;
    uint32_t *codes;   /* owned: in the page's order */
    uint32_t *numbers; /* owned: of each code, its place in that order */
    size_t count;
    struct mp_heap_place *places; /* owned: the lines shown, each once, in order */
    size_t place_count;
};

/* How many rows the page shows of all lines, and of the user's. */
size_t mp_heap_page_rows(const struct mp_heap_page *);
size_t mp_heap_page_yours(const struct mp_heap_page *);

/* And of those where processes differ: fewer where each has more figures. */
size_t mp_heap_page_spread(const struct mp_heap_page *);

/* 0, or -1 with errno ENOMEM. Release whatever the result. */
int mp_heap_names_init(struct mp_heap_names *, const struct mp_heap_page *);
void mp_heap_names_release(struct mp_heap_names *);

/* "files": [{path, short, functions: [[name, first line]]}], and the comma behind it. */
void mp_heap_names_files(FILE *, const struct mp_heap_names *,
                         const struct mp_heap_paths *);

/* "sources": [[function, line, text]], and the comma behind it. */
void mp_heap_names_sources(FILE *, const struct mp_heap_names *,
                           const struct mp_heap_page *);

#endif
