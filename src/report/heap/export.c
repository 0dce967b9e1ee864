#include "report/heap/export.h"

#include <errno.h>
#include <string.h>

#include "base/gzip.h"
#include "report/heap/export_parts.h"

int mp_heap_export(FILE *out, const struct mp_heap_export *export)
{
    static int (*const formats[])(FILE *, const struct mp_heap_export *) = {
        [MP_HEAP_EXPORT_COLLAPSED] = mp_heap_export_collapsed,
        [MP_HEAP_EXPORT_SPEEDSCOPE] = mp_heap_export_speedscope,
        [MP_HEAP_EXPORT_PPROF] = mp_heap_export_pprof,
        [MP_HEAP_EXPORT_MASSIF] = mp_heap_export_massif,
        [MP_HEAP_EXPORT_CSV] = mp_heap_export_csv,
        [MP_HEAP_EXPORT_JSON] = mp_heap_export_json};
    int failed = formats[export->format](out, export);
    if (failed)
        errno = ENOMEM;
    return failed;
}

bool mp_heap_export_is_ours(const char *start, size_t length)
{
    static const struct {
        const char *bytes;
        size_t length;
    } marks[] = {
#define MARK(text) {text, sizeof(text) - 1}
        MARK(MP_HEAP_COLLAPSED_MARK),
        MARK(MP_HEAP_CSV_MARK),
        MARK(MP_HEAP_JSON_MARK),
        MARK(MP_HEAP_SPEEDSCOPE_MARK),
        MARK(MP_HEAP_MASSIF_MARK),
        MARK(MP_GZIP_HEAD MP_HEAP_PPROF_COMMENT)
#undef MARK
    };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (length >= marks[i].length && !memcmp(start, marks[i].bytes, marks[i].length))
            return true;
    return false;
}
