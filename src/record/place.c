#include "record/place.h"

#include <string.h>

bool mp_place_ends_with(const char *path, size_t length, const char *end)
{
    size_t its = strlen(end);
    return length >= its && !memcmp(path + length - its, end, its);
}

static bool begins_with(const char *path, size_t length, const char *start)
{
    size_t its = strlen(start);
    return length >= its && !memcmp(path, start, its);
}

static bool has_part(const char *path, size_t length, const char *part)
{
    return memmem(path, length, part, strlen(part)) != NULL;
}

bool mp_place_is_importer(const char *path, size_t length)
{
    return begins_with(path, length, "<frozen importlib._bootstrap");
}

bool mp_place_is_starter(const char *path, size_t length)
{
    static const char frozen[] = "<frozen runpy>", zipped[] = "<frozen zipimport>";
    return (length == sizeof frozen - 1 && !memcmp(path, frozen, length)) ||
           (length == sizeof zipped - 1 && !memcmp(path, zipped, length)) ||
           mp_place_ends_with(path, length, "/runpy.py") ||
           mp_place_ends_with(path, length, "/mprof/__main__.py");
}

bool mp_place_is_package(const char *path, size_t length)
{
    return has_part(path, length, "/site-packages/") ||
           has_part(path, length, "/dist-packages/");
}

bool mp_place_is_library(const char *path, size_t length)
{
    if (begins_with(path, length, "<frozen ") && length > sizeof "<frozen " - 1)
        return true;
    return (has_part(path, length, "/lib/python3") ||
            has_part(path, length, "/lib64/python3")) &&
           !mp_place_is_package(path, length);
}

/* Where `bytes` end in the path, the last time that they are there; 0: nowhere. */
static size_t behind(const char *path, size_t length, const char *bytes)
{
    size_t its = strlen(bytes);
    for (size_t at = length; at >= its; at--)
        if (!memcmp(path + at - its, bytes, its))
            return at;
    return 0;
}

/* Behind ".../lib/python3.12/", or 0. */
static size_t behind_library(const char *path, size_t length)
{
    size_t at = behind(path, length, "/lib/python3.");
    at = at ? at : behind(path, length, "/lib64/python3.");
    while (at && at < length && path[at] >= '0' && path[at] <= '9')
        at++;
    return at && at < length && path[at] == '/' ? at + 1 : 0;
}

size_t mp_place_installed(const char *path, size_t length)
{
    size_t at = behind(path, length, "/site-packages/");
    at = at ? at : behind(path, length, "/dist-packages/");
    return at ? at : behind_library(path, length);
}

size_t mp_place_package_length(const char *path, size_t length)
{
    size_t at = mp_place_installed(path, length);
    const char *slash = at ? memchr(path + at, '/', length - at) : NULL;
    return slash ? (size_t)(slash - path) + 1 : at ? length : 0;
}

bool mp_place_is_script(const char *path, size_t length)
{
    size_t name = behind(path, length, "/");
    return name && mp_place_ends_with(path, name, "/bin/") &&
           !mp_place_ends_with(path, length, ".py");
}

bool mp_place_is_recorder(const char *path, size_t length)
{
    return has_part(path, length, "-packages/memory_profiler/") ||
           mp_place_ends_with(path, length, "/memory_profiler/_heap_run.py");
}
