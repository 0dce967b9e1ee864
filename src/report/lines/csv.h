/* Line tables as CSV, a row for each source line; the columns are those of docs/json.md. */
#ifndef MP_REPORT_LINES_CSV_H
#define MP_REPORT_LINES_CSV_H

#include <stdbool.h>
#include <stdio.h>

#include "record/source.h"

struct mp_csv_options {
    bool peaks; /* were measured; the column is empty otherwise */
    bool heap;  /* likewise */
};

void mp_csv_lines(FILE *out, const struct mp_function *functions, size_t count,
                  const struct mp_csv_options *);

#endif
