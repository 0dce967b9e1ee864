/* What plotting needs other programs for: matplotlib under a Python interpreter, a browser. */
#ifndef MP_CMD_PLOT_PICTURE_H
#define MP_CMD_PLOT_PICTURE_H

#include "report/figure_json.h"

/* Hands the figure to `python -m memory_profiler.plot`: into a file, or a window (`output` NULL)
   of a matplotlib backend (NULL: its own choice). Returns the exit code. */
int mp_plot_picture(const struct mp_figure_run *runs, size_t count,
                    const struct mp_figure_style *, const char *output,
                    const char *backend);

/* Prints where the page is, and opens it when there is a browser and a display. */
void mp_plot_open(const char *path);

#endif
