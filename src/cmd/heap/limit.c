#include "cmd/heap/limit.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a unit multiplies by, 0: none. "KiB", "KB" and "K" are 1024 bytes, as in all we show. */
static double unit_of(const char *text)
{
    static const char letters[] = "KMGT";
    double scale = 1;
    if (!*text || !strcmp(text, "B"))
        return 1;
    for (const char *letter = letters; *letter; letter++) {
        scale *= 1024;
        if (toupper((unsigned char)*text) != *letter)
            continue;
        const char *rest = text + 1;
        return !*rest || !strcasecmp(rest, "B") || !strcasecmp(rest, "iB") ? scale : 0;
    }
    return 0;
}

const char *mp_heap_take_limit(struct mp_heap_limit *limit, const char *value)
{
    static const char wrong[] = "not a size or a share, as 10MiB, 512K or 5%";
    char *end;
    double number = strtod(value, &end);
    if (!isdigit((unsigned char)*value) || end == value || !isfinite(number))
        return wrong;
    while (*end == ' ')
        end++;
    if (!strcmp(end, "%")) {
        *limit =
            (struct mp_heap_limit){.set = true, .is_share = true, .share = number / 100};
        return NULL;
    }
    double bytes = number * unit_of(end);
    if ((number > 0 && bytes <= 0) || !unit_of(end) || bytes >= 0x1p62)
        return wrong;
    *limit = (struct mp_heap_limit){.set = true, .bytes = (int64_t)bytes};
    return NULL;
}
