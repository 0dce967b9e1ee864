#include "capture/heap/python/arenas.h"

#include <Python.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/heap/native/begin.h"
#include "capture/process/pages.h"

static PyObjectArenaAllocator original;
static void (*tell_none)(void);
static void (*tell_gone)(void *, size_t);
static int64_t counted;

/* What was taken and is there: its address with its number of pages in the bits below, each near the
   place that its hash gives. Interpreters with locks of their own come at the same time. Of what
   finds no place every page is taken to be resident. */
enum { PLACES_BITS = 12, PLACES = 1 << PLACES_BITS, NEAR = 32, PAGES_MASK = 0xfff };

static uintptr_t taken[PLACES];

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

static uintptr_t *place_of(const void *at, int far)
{
    uint64_t mixed = (uint64_t)(uintptr_t)at * 0x9E3779B97F4A7C15u;
    return &taken[((mixed >> (64 - PLACES_BITS)) + (unsigned)far) % PLACES];
}

static void note(const void *at, size_t size)
{
    size_t pages = size / (size_t)sysconf(_SC_PAGESIZE);
    if (!pages || pages > PAGES_MASK || (uintptr_t)at & PAGES_MASK)
        return;
    for (int far = 0; far < NEAR; far++) {
        uintptr_t none = 0;
        if (__atomic_compare_exchange_n(place_of(at, far), &none, (uintptr_t)at | pages,
                                        false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return;
    }
}

static void forget(const void *at)
{
    for (int far = 0; far < NEAR; far++) {
        uintptr_t *place = place_of(at, far);
        uintptr_t there = __atomic_load_n(place, __ATOMIC_RELAXED);
        if ((there & ~(uintptr_t)PAGES_MASK) == (uintptr_t)at && there)
            __atomic_store_n(place, 0, __ATOMIC_RELAXED);
    }
}

static void *take_arena(void *context, size_t size)
{
    bool muted = mp_native_begin();
    void *arena = original.alloc(context, size);
    if (muted)
        mp_native_end();
    if (arena) {
        count((int64_t)size);
        note(arena, size);
    } else {
        tell_none();
    }
    return arena;
}

static void give_arena(void *context, void *arena, size_t size)
{
    forget(arena);
    tell_gone(arena, size);
    bool muted = mp_native_begin();
    original.free(context, arena, size);
    if (muted)
        mp_native_end();
    count(-(int64_t)size);
}

void mp_arenas_follow(void (*none)(void), void (*gone)(void *, size_t))
{
    if (original.alloc)
        return;
    tell_none = none;
    tell_gone = gone;
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

/* How many pieces of at least so many bytes there are; adds the absent pages of every step-th. */
static int64_t each_piece(size_t least, int64_t step, int64_t *untouched)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int64_t count = 0;
    for (int i = 0; i < PLACES; i++) {
        uintptr_t there = __atomic_load_n(&taken[i], __ATOMIC_RELAXED);
        if (!there) /* as nearly all are */
            continue;
        size_t size = (there & PAGES_MASK) * page;
        if (size < least)
            continue;
        if (step && count % step == 0)
            *untouched +=
                mp_pages_absent(there & ~(uintptr_t)PAGES_MASK, size, mp_pages_stride(0));
        count++;
    }
    return count;
}

int64_t mp_arenas_untouched(size_t least, bool whole)
{
    int64_t untouched = 0;
    if (whole) {
        each_piece(least, 1, &untouched);
        return untouched;
    }
    int64_t count = each_piece(least, 0, &untouched);
    int64_t step = count / MP_PAGES_TIMES + 1;
    int64_t asked = (count + step - 1) / step;
    each_piece(least, step, &untouched);
    return asked ? untouched / asked * count : 0;
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
