/* What is said of many timelines together, beside the curves of some: lanes, the band of all, clocks. */
#ifndef MP_REPORT_TIMELINE_WHOLE_H
#define MP_REPORT_TIMELINE_WHOLE_H

#include <stdio.h>

#include "aggregate/timeline/clocks.h"
#include "aggregate/timeline/figure.h"
#include "aggregate/timeline/lanes.h"

struct mp_figure_whole { /* borrowed, all of it */
    const struct mp_members *members;
    const struct mp_lanes *lanes;
    const struct mp_clocks *clocks;
    int64_t origin; /* unix ns that times are counted from */
};

/* What a run is called among the others. Returns `name`. */
const char *mp_whole_name(const struct mp_figure_whole *, const struct mp_figure_run *,
                          char name[MP_MEMBER_WHOLE]);

/* "clocks of 3 hosts not compared: node1, node2, node3", the caller's to free; NULL where all are one, or
   without memory. */
char *mp_clocks_words(const struct mp_clocks *);

/* docs/timeline.md has the schema. */
void mp_whole_json(FILE *, const struct mp_figure_whole *);

#endif
