/* A timeline as a table of its readings, for programs: CSV, and JSON with all else that is known. */
#ifndef MP_REPORT_TIMELINE_EXPORT_H
#define MP_REPORT_TIMELINE_EXPORT_H

#include <stdio.h>

#include "record/series.h"

struct mp_timeline_export {
    const struct mp_timeline *timeline; /* borrowed, as both */
    const char *name;                   /* of its file */
};

void mp_timeline_export_csv(FILE *, const struct mp_timeline_export *);
void mp_timeline_export_json(FILE *, const struct mp_timeline_export *);

/* Whether a file that begins with these bytes was written by one of these. */
bool mp_timeline_export_is_ours(const char *start, size_t length);

#endif
