/* Many timelines in characters: a lane each, on one clock. */
#ifndef MP_REPORT_TIMELINE_TERMINAL_LANES_H
#define MP_REPORT_TIMELINE_TERMINAL_LANES_H

#include "report/timeline/terminal.h"
#include "report/timeline/whole.h"

/* Columns that a terminal of this width has for time. */
size_t mp_terminal_lane_columns(int width);

/* The lanes have as many columns as that. */
void mp_terminal_lanes(FILE *, const struct mp_figure_whole *,
                       const struct mp_terminal_options *);

#endif
