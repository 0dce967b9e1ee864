#include "report/timeline/page.h"

/* Made by tools/embed.py from the built page, cut where the data goes. */
extern const char mp_page_head[], mp_page_tail[];
extern const size_t mp_page_head_size, mp_page_tail_size;

bool mp_page_is_built(void)
{
    return mp_page_tail_size > 0;
}

void mp_page_figure(FILE *out, const struct mp_figure_run *runs, size_t count,
                    const struct mp_figure_style *style)
{
    fwrite(mp_page_head, 1, mp_page_head_size, out);
    mp_figure_json(out, runs, count, style);
    fwrite(mp_page_tail, 1, mp_page_tail_size, out);
}
