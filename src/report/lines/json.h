/* Line tables as JSON; the schema is docs/json.md. */
#ifndef MP_REPORT_LINES_JSON_H
#define MP_REPORT_LINES_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "record/source.h"

struct mp_json_options {
    const char *backend; /* the name of where the numbers come from */
    bool peaks;          /* were measured; "peak" is null otherwise */
    bool heap;           /* likewise "allocated", "freed", "net", "heap_peak" */
    const char *python;  /* version of the interpreter, "3.12.1" */
};

void mp_json_lines(FILE *out, const struct mp_function *functions, size_t count,
                   const struct mp_json_options *);

#endif
