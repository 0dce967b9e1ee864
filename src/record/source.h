/* A profiled function as a person knows it: its file, its name and its source lines. */
#ifndef MP_RECORD_SOURCE_H
#define MP_RECORD_SOURCE_H

#include <stddef.h>

#include "record/lines.h"

/* Borrowed bytes: UTF-8, with whatever else the name held left as it was. */
struct mp_text {
    const char *bytes;
    size_t length;
};

/* The type of which a line has had most: objects that it allocated, and bytes, what these keep beside too. */
struct mp_grown {
    struct mp_text type; /* empty: nothing grew there */
    int64_t objects, bytes;
};

struct mp_function {
    struct mp_text filename, name;
    struct mp_line_table table;   /* its rows are the lines that reports show */
    const struct mp_text *lines;  /* table.count source lines, each without its line end */
    const struct mp_grown *grown; /* as many; NULL: nobody asked */
};

#endif
