#include "report/heap/page.h"

/* Made by tools/embed.py from the built page, cut where the data goes. */
extern const char mp_heap_page_head[], mp_heap_page_tail[];
extern const size_t mp_heap_page_head_size, mp_heap_page_tail_size;

bool mp_heap_page_is_built(void)
{
    return mp_heap_page_tail_size > 0;
}

int mp_heap_page(FILE *out, const struct mp_heap_page *page)
{
    fwrite(mp_heap_page_head, 1, mp_heap_page_head_size, out);
    int failed = mp_heap_page_json(out, page);
    fwrite(mp_heap_page_tail, 1, mp_heap_page_tail_size, out);
    return failed;
}
