#include "cmd/heap/sample_size.h"

#include <errno.h>
#include <stdlib.h>

uint64_t mp_sample_size(const char *text)
{
    static const char suffixes[] = "KMG";
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *text < '0' || *text > '9')
        return 0; /* strtoull takes blanks and signs too */
    for (unsigned i = 0; suffixes[i] && *end; i++)
        if (*end == suffixes[i] || *end == suffixes[i] + ('a' - 'A')) {
            unsigned shift = 10 * (i + 1);
            if (value > MP_SAMPLE_MOST >> shift)
                return 0;
            value <<= shift;
            end++;
        }
    return *end || value > MP_SAMPLE_MOST ? 0 : value;
}
