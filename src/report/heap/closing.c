#include "report/heap/closing.h"

#include <inttypes.h>

#include "aggregate/heap/heaviest.h"

int mp_heap_put_closing(FILE *out, const struct mp_heap_view *view,
                        const struct mp_heap_own *own, const struct mp_heap_style *style)
{
    struct mp_heap_share users;
    char size[MP_HEAP_FIGURE];
    const struct mp_heap_header *header = view->header;
    if (mp_heap_heaviest_users(&users, view, own))
        return -1;
    fprintf(out, "peak %s of heap", mp_heap_estimate(header, header->peak, size));
    if (header->children)
        fprintf(out, " in the first of %" PRIu64 " processes", header->children + 1);
    if (!users.code || (double)users.at_peak < (double)header->peak * MP_HEAP_LEAST_SHARE)
        return 0;
    fprintf(out, ", %s of it from ", mp_heap_size(users.at_peak, size));
    mp_heap_put_place(out, style, view, users.code, users.line, 0);
    return 0;
}
