#include "report/heap/diff_page.h"

/* Made by tools/embed.py from the built page, cut where the data goes. */
extern const char mp_diff_page_head[], mp_diff_page_tail[];
extern const size_t mp_diff_page_head_size, mp_diff_page_tail_size;

bool mp_heap_diff_page_is_built(void)
{
    return mp_diff_page_tail_size > 0;
}

int mp_heap_diff_page(FILE *out, const struct mp_heap_diff_page *page)
{
    fwrite(mp_diff_page_head, 1, mp_diff_page_head_size, out);
    mp_heap_diff_page_json(out, page);
    fwrite(mp_diff_page_tail, 1, mp_diff_page_tail_size, out);
    return 0;
}
