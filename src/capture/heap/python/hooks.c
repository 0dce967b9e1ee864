#include "capture/heap/python/hooks.h"

#include <string.h>

#include "capture/heap/python/arenas.h"
#include "capture/heap/python/code_ends.h"
#include "capture/heap/python/hooks_sampled.h"

enum { APART_PERIOD = 1 << 16 /* bytes between samples that are set apart, at least */ };

enum set { EXACT, SAMPLING, BARE, SETS };

static const PyMemAllocatorEx *const sets[SETS] = {
    [EXACT] = mp_hooks_exact, [SAMPLING] = mp_hooks_sampling, [BARE] = mp_hooks_bare};

/* Whether an allocation reaches our hook: another tool may have put back what it found. */
static bool is_installed(PyMemAllocatorDomain domain)
{
    PyMemAllocatorEx now;
    PyMem_GetAllocator(domain, &now);
    if (!mp_hooks_before[domain].malloc)
        return false;
    mp_hooks_probe_seen = false;
    mp_hooks_probed = (int)domain;
    mp_native_mute();
    void *block = now.malloc(now.ctx, MP_LEDGER_SMALL + 1); /* which has no fast path */
    mp_native_unmute();
    mp_hooks_probed = -1;
    if (block)
        now.free(now.ctx, block);
    return mp_hooks_probe_seen;
}

bool mp_hooks_are_installed(void)
{
    for (int i = 0; i < MP_HOOKS_DOMAINS; i++)
        if (!is_installed((PyMemAllocatorDomain)i))
            return false;
    return true;
}

/* Which of our sets is before a domain's allocator, or SETS. */
static int set_of(const PyMemAllocatorEx *now, PyMemAllocatorDomain domain)
{
    int set = BARE;
    while (set >= 0 && now->malloc != sets[set][domain].malloc)
        set--;
    return set < 0 ? SETS : set;
}

/* Others may be in the middle of a call of the raw domain's: with what they read of either, they get
   along. Ours has no use for the context. */
static void put(PyMemAllocatorDomain domain, enum set set)
{
    PyMemAllocatorEx ours = sets[set][domain];
    ours.ctx = mp_hooks_before[domain].ctx;
    if (!ours.free)
        ours.free = mp_hooks_before[domain].free;
    PyMem_SetAllocator(domain, &ours);
}

static void install(PyMemAllocatorDomain domain, enum set set, bool is_pymalloc)
{
    PyMemAllocatorEx now;
    PyMem_GetAllocator(domain, &now);
    int is = set_of(&now, domain);
    if (is == SETS && is_installed(domain))
        return; /* below another tool's */
    if (is == SETS) {
        mp_hooks_before[domain] = now;
        mp_hooks_fast_path[domain] =
            is_pymalloc && domain != PYMEM_DOMAIN_RAW ? MP_LEDGER_SMALL : 0;
    } else if (is == BARE) {
        mp_hooks_before[domain] =
            mp_hooks_pymalloc[domain]; /* the tool that was between is gone */
    }
    put(domain, set);
}

void mp_hooks_end_fast_path(void)
{
    memset(mp_hooks_fast_path, 0, sizeof mp_hooks_fast_path);
    mp_hooks_see_ends();
}

static bool is_bare(PyMemAllocatorDomain domain)
{
    PyMemAllocatorEx now;
    PyMem_GetAllocator(domain, &now);
    return now.malloc == sets[BARE][domain].malloc;
}

/* Where few are, which take so many bytes each; where pymalloc is behind our hooks alone, and where the ends of
   code objects are told by others than their free. */
static bool should_be_bare(void)
{
    PyMemAllocatorEx mem, object;
    PyMem_GetAllocator(PYMEM_DOMAIN_MEM, &mem);
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &object);
    return mp_recording.sample >= APART_PERIOD && !mp_recording.may_be_several &&
           mp_hooks_fast_path[PYMEM_DOMAIN_MEM] && mp_hooks_fast_path[PYMEM_DOMAIN_OBJ] &&
           set_of(&mem, PYMEM_DOMAIN_MEM) != SETS &&
           set_of(&object, PYMEM_DOMAIN_OBJ) != SETS && mp_code_ends_follow();
}

bool mp_hooks_see_ends(void)
{
    if (!mp_recording.sets_apart)
        return true;
    if (!is_bare(PYMEM_DOMAIN_MEM) || !is_bare(PYMEM_DOMAIN_OBJ))
        return false;
    put(PYMEM_DOMAIN_MEM, SAMPLING);
    put(PYMEM_DOMAIN_OBJ, SAMPLING);
    mp_recording.sets_apart = false;
    mp_hooks_small = 0;
    return true;
}

void mp_hooks_install(void)
{
    bool is_pymalloc = mp_arenas_are_muted() && mp_arenas_are_pymallocs();
    mp_recording.sets_apart = false;
    mp_hooks_small = 0;
    if (!mp_arenas_are_muted())
        mp_hooks_end_fast_path();
    for (int i = 0; i < MP_HOOKS_DOMAINS; i++)
        install((PyMemAllocatorDomain)i, mp_recording.sample ? SAMPLING : EXACT,
                is_pymalloc);
    if (!should_be_bare())
        return;
    memcpy(mp_hooks_pymalloc, mp_hooks_before, sizeof mp_hooks_pymalloc);
    mp_hooks_small = MP_LEDGER_SMALL;
    mp_recording.sets_apart = true;
    mp_recording.see_ends = mp_hooks_see_ends;
    put(PYMEM_DOMAIN_MEM, BARE);
    put(PYMEM_DOMAIN_OBJ, BARE);
}
