/* libFuzzer: any bytes as a recording, through everything that reads and draws one. */
#include <stdio.h>
#include <stdlib.h>

#include "aggregate/timeline/figure.h"
#include "aggregate/timeline/peak.h"
#include "report/timeline/figure_json.h"
#include "report/timeline/terminal.h"
#include "store/dat/read.h"

static void draw(FILE *out, const struct mp_timeline *timeline, int64_t to)
{
    struct mp_figure_run run;
    struct mp_figure_options options = {
        .to = to, .functions = true, .children = true, .buckets = 20, .calls = 10};
    struct mp_figure_style style = {.slope = true};
    struct mp_terminal_options terminal = {.width = 40, .height = 8, .slope = true};
    if (!mp_figure_run_init(&run, "x.dat", timeline, &options)) {
        mp_figure_json(out, &run, 1, &style);
        mp_terminal_figure(out, &run, &terminal);
    }
    mp_figure_run_release(&run);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t length)
{
    static FILE *nowhere;
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    struct mp_timeline timeline;
    if (mp_dat_parse(&timeline, (const char *)bytes, length) == MP_DAT_OK) {
        mp_peak_bound(&timeline);
        for (size_t i = 0; i < timeline.names.count; i++)
            mp_peak_function(&timeline, (int)i);
        for (size_t i = 0; i < timeline.track_count; i++)
            mp_peak_track(&timeline, &timeline.tracks[i]);
        draw(nowhere, &timeline, -1);
        draw(nowhere, &timeline, MP_SECOND);
    }
    mp_timeline_release(&timeline);
    return 0;
}
