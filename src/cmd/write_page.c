#include "cmd/write_page.h"

#include <errno.h>
#include <string.h>

#include "base/output.h"
#include "cmd/command.h"
#include "store/dat_read.h"
#include "store/heap_read.h"

int mp_write_page(const char *path, mp_put_page *put, const void *what)
{
    struct mp_output output;
    FILE *file = NULL;
    if (mp_heap_started(path) >= 0 || mp_dat_is_ours(path) == 1)
        return mp_fail("cannot write %s: it is a recording; name another file", path);
    int failed = mp_output_begin(&output, path, MP_OUTPUT_SHARED);
    if (!failed && !(file = fdopen(output.fd, "w")))
        failed = -1;
    if (file) {
        output.fd = -1;
        failed = put(file, what);
        failed |= ferror(file) | fclose(file);
    }
    if (!failed)
        failed = mp_output_commit(&output);
    int why = errno;
    mp_output_release(&output);
    return failed ? mp_fail("cannot write %s: %s", path, strerror(why)) : MP_EXIT_OK;
}

bool mp_has_suffix(const char *path, const char *suffix)
{
    size_t length = strlen(path), its = strlen(suffix);
    return length > its && !strcmp(path + length - its, suffix);
}

bool mp_is_picture(const char *path)
{
    static const char *const suffixes[] = {".png",  ".svg",  ".pdf",  ".ps",
                                           ".eps",  ".jpg",  ".jpeg", ".tif",
                                           ".tiff", ".webp", ".svgz", NULL};
    for (const char *const *suffix = suffixes; *suffix; suffix++)
        if (mp_has_suffix(path, *suffix))
            return true;
    return false;
}
