#include "report/heap/tabbed.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

enum { LEAST = 12 /* columns */ };

void mp_heap_put_tabbed(FILE *out, const struct mp_heap_style *style, const char *text,
                        size_t all, int beside)
{
    int columns = style->width - beside;
    char *place = malloc(all + 1);
    if (!place)
        return;
    memcpy(place, text, all);
    char *tab = memchr(place, '\t', all);
    if (tab)
        *tab = ' ';
    mp_heap_put_text(out, style, place, all,
                     !style->width     ? 0
                     : columns < LEAST ? LEAST
                                       : columns,
                     MP_HEAP_CUT_START);
    free(place);
}

void mp_heap_put_json_text(FILE *out, const char *key, const char *text, size_t length)
{
    fprintf(out, ", \"%s\": ", key);
    mp_escape_json(out, text, length);
}
