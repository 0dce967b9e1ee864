#include "report/heap/tabbed.h"

#include "base/escape.h"

void mp_heap_put_tabbed(FILE *out, const struct mp_heap_style *style, const char *text,
                        size_t all)
{
    const char *tab = memchr(text, '\t', all);
    size_t length = tab ? (size_t)(tab - text) : all;
    mp_heap_put_text(out, style, text, length, 0, MP_HEAP_CUT_START);
    if (!tab)
        return;
    fputc(' ', out);
    mp_heap_put_text(out, style, tab + 1, all - length - 1, 0, MP_HEAP_CUT_END);
}

void mp_heap_put_json_text(FILE *out, const char *key, const char *text, size_t length)
{
    fprintf(out, ", \"%s\": ", key);
    mp_escape_json(out, text, length);
}
