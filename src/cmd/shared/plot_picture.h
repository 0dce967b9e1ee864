/* What plotting needs other programs for: matplotlib under a Python interpreter, a browser. */
#ifndef MP_CMD_SHARED_PLOT_PICTURE_H
#define MP_CMD_SHARED_PLOT_PICTURE_H

#include <stdbool.h>

#include "report/timeline/figure_json.h"

/* Where a picture goes: into a file, which replaces one of ours, or any by `force`; or into a
   window (`output` NULL) of a matplotlib backend (NULL: its own choice); `classic`: as 0.61 did. */
struct mp_plot_target {
    const char *output, *backend;
    bool force, classic;
};

/* Hands the figure to `python -m memory_profiler.plot`. Returns the exit code. */
int mp_plot_picture(const struct mp_figure_run *runs, size_t count,
                    const struct mp_figure_style *, const struct mp_plot_target *);

/* Prints where the page is, and opens it when there is a browser and a display. */
void mp_plot_open(const char *path);

#endif
