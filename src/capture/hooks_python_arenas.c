#include "capture/hooks_python_arenas.h"

#include <Python.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/hooks_python.h"
#include "capture/native_begin.h"
#include "capture/pages.h"

static PyObjectArenaAllocator original;
static int64_t counted;
static void *latest; /* the arena taken last, while it is there */
static size_t latest_size;

/* Both functions are exported by every CPython, but none declares them alike. What the first one
   prints, sys._debugmallocstats() prints. */
static int (*print)(FILE *);
static const char *(*name)(void);
static PyMemAllocatorEx pymalloc; /* as it was before anybody's hooks */
static bool missing;              /* another allocator was in its place then */

static void find(const char *symbol, void *to)
{
    void *found = dlsym(RTLD_DEFAULT, symbol);
    memcpy(to, &found, sizeof found);
}

static void count(int64_t bytes)
{
    __atomic_fetch_add(&counted, bytes, __ATOMIC_RELAXED);
}

static void *take_arena(void *context, size_t size)
{
    bool muted = mp_native_begin();
    void *arena = original.alloc(context, size);
    if (muted)
        mp_native_end();
    if (arena) {
        count((int64_t)size);
        latest = arena;
        latest_size = size;
    } else {
        mp_hooks_end_quiet();
    }
    return arena;
}

static void give_arena(void *context, void *arena, size_t size)
{
    if (arena == latest)
        latest = NULL;
    bool muted = mp_native_begin();
    original.free(context, arena, size);
    if (muted)
        mp_native_end();
    count(-(int64_t)size);
}

void mp_arenas_follow(void)
{
    if (original.alloc)
        return;
    find("_PyObject_DebugMallocStats", &print);
    find("_PyMem_GetCurrentAllocatorName", &name);
    PyObject_GetArenaAllocator(&original);
    PyObjectArenaAllocator ours = {original.ctx, take_arena, give_arena};
    PyObject_SetArenaAllocator(&ours);
}

bool mp_arenas_are_muted(void)
{
    PyObjectArenaAllocator now;
    PyObject_GetArenaAllocator(&now);
    return now.alloc == take_arena;
}

bool mp_arenas_are_pymallocs(void)
{
    const char *called = name ? name() : NULL;
    return called && !strcmp(called, "pymalloc");
}

int64_t mp_arenas_counted(void)
{
    return __atomic_load_n(&counted, __ATOMIC_RELAXED);
}

int64_t mp_arenas_untouched(void)
{
    return latest ? mp_pages_absent((uintptr_t)latest, latest_size, mp_pages_stride(0)) : 0;
}

/* The number behind the first '=' of the line that has a text; 0 where there is none. Its
   thousands are set apart by commas. */
static int64_t figure(const char *text, const char *what)
{
    const char *at = strstr(text, what);
    const char *end = at ? strchr(at, '\n') : NULL;
    int64_t value = 0;
    for (at = at ? strchr(at, '=') : NULL; at && end && at < end; at++)
        if (*at >= '0' && *at <= '9')
            value = value * 10 + (*at - '0');
    return value;
}

/* What is printed now; the caller frees it. Nothing while a hook is before pymalloc. */
static char *printed(void)
{
    char *text = NULL;
    size_t length;
    FILE *stream = print ? open_memstream(&text, &length) : NULL;
    if (!stream)
        return NULL;
    print(stream);
    fclose(stream);
    return text;
}

/* Without the hooks, for so long: whoever asks for object memory holds the interpreter's lock. */
static char *printed_without_hooks(void)
{
    PyMemAllocatorEx now;
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &now);
    if (!pymalloc.malloc)
        return printed();
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &pymalloc);
    char *text = printed();
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &now);
    return text;
}

struct mp_arenas mp_arenas_ask(void)
{
    struct mp_arenas arenas = {-1, -1};
    char *text = printed_without_hooks();
    const char *called = name ? name() : NULL;
    int64_t taken = text ? figure(text, "bytes/arena") : 0;
    if (taken) {
        arenas = (struct mp_arenas){taken, figure(text, "# bytes in allocated blocks")};
        if (!pymalloc.malloc)
            PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &pymalloc);
    } else if (missing || (called && !strstr(called, "pymalloc"))) {
        arenas = (struct mp_arenas){0, 0};
        missing = true;
    }
    free(text);
    return arenas;
}
