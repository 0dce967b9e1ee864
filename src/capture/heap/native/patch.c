#include "capture/heap/native/patch.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/heap/native/elf_object.h"

/* What was seen of the loader's list, which grows at its end. Under the loader's own lock, which
   dl_iterate_phdr(3) holds: one of ours could be waited for by who has that. (musl has none, and
   its objects stay: there two threads may do the same twice.) */
static struct {
    size_t settled; /* leading objects that need no more looking at */
    unsigned long long adds, subs;
    bool is_complete; /* no object waited */
} seen;

static struct mp_patch patches[MP_PATCH_MOST]; /* by name */
static bool is_found[MP_PATCH_MOST];           /* it may be one that does not count */
static size_t patch_count;

/* One pass over the loaded objects. */
struct pass {
    void (*see)(void *pass, const struct mp_elf_slot *);
    const struct mp_elf *elf; /* being looked at */
    const struct dl_phdr_info *info;
    size_t at;
    bool is_past_us; /* the object may be younger than ours */
    /* An object was not relocated yet, or may be looking up what we replaced. */
    bool has_waiting;
};

const struct mp_patch *mp_patch_find(const char *name)
{
    size_t low = 0, high = patch_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, patches[middle].name);
        if (!order)
            return &patches[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Asks the kernel to write a word onto itself, which it refuses without a signal. */
static bool is_writable(const void *place)
{
    uint32_t nobody = 0;
    return syscall(SYS_futex, &nobody, FUTEX_WAKE_OP_PRIVATE, 0, NULL, place,
                   FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, 0)) >= 0;
}

static void store(void **place, void *function)
{
    __atomic_store_n(place, function, __ATOMIC_RELEASE);
}

static void store_read_only(void **place, void *function)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    void *start = (void *)((uintptr_t)place & ~(page - 1));
    if (mprotect(start, page, PROT_READ | PROT_WRITE))
        return;
    store(place, function);
    mprotect(start, page, PROT_READ);
}

static void write_slot(const struct pass *pass, void **place, void *function)
{
    uintptr_t address = (uintptr_t)place;
    if (is_writable(place))
        store(place, function);
    else if (address >= pass->elf->relro_start && address < pass->elf->relro_end)
        store_read_only(place, function);
}

/* Not looked up yet, and the original is what would be found. (Maybe not, where the object has a
   definition of its own.) */
static bool is_stub(const struct pass *pass, const struct mp_elf_slot *slot,
                    uintptr_t original, uintptr_t held)
{
    return slot->is_late && (!slot->own || slot->own == original) &&
           mp_elf_contains(pass->info, held);
}

/* As in the file: nothing, or a place in the object before its base is added. An object without
   pages that get protected shows only so that it is not relocated yet. */
static bool is_as_linked(const struct pass *pass, uintptr_t held)
{
    return !held || (pass->info->dlpi_addr &&
                     mp_elf_contains(pass->info, pass->info->dlpi_addr + held));
}

static void replace(void *context, const struct mp_elf_slot *slot)
{
    const struct mp_patch *patch = mp_patch_find(slot->name);
    if (!patch || !*patch->original)
        return;
    struct pass *pass = context;
    uintptr_t held = (uintptr_t)__atomic_load_n(slot->place, __ATOMIC_RELAXED);
    uintptr_t original = (uintptr_t)*patch->original;
    bool is_late = is_stub(pass, slot, original, held);
    if (held == original || is_late)
        write_slot(pass, slot->place, patch->replacement);
    if (pass->is_past_us && (is_late || is_as_linked(pass, held)))
        pass->has_waiting = true;
}

static void restore(void *context, const struct mp_elf_slot *slot)
{
    const struct mp_patch *patch = mp_patch_find(slot->name);
    if (patch && __atomic_load_n(slot->place, __ATOMIC_RELAXED) == patch->replacement)
        write_slot(context, slot->place, *patch->original);
}

/* The loader's own calls run under its locks, and an old one has a malloc that is not the
   program's. musl's is its libc. */
static bool is_loader(const struct mp_elf *elf)
{
    return mp_elf_find(elf, "_dl_debug_state") && !mp_elf_find(elf, "printf");
}

/* Another thread may be relocating an object that is already listed: it would write over ours,
   and fault where we make a page read-only. What came before us is done, and so is what is
   protected. */
static bool is_relocated(const struct pass *pass)
{
    uintptr_t start = pass->elf->relro_start;
    return !pass->is_past_us || start >= pass->elf->relro_end ||
           !is_writable((const void *)start);
}

static void see_object(struct pass *pass, const struct dl_phdr_info *info)
{
    struct mp_elf elf;
    if (mp_elf_read(&elf, info) || is_loader(&elf))
        return;
    pass->elf = &elf;
    pass->info = info;
    if (is_relocated(pass))
        mp_elf_each_slot(&elf, pass->see, pass);
    else
        pass->has_waiting = true;
}

/* 1 ends the pass: nothing was loaded or unloaded since the last. */
static int see_new(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    struct pass *pass = context;
    bool is_ours = mp_elf_contains(info, (uintptr_t)see_new);
    if (!pass->at && info->dlpi_subs != seen.subs)
        seen.settled = 0;
    else if (!pass->at && info->dlpi_adds == seen.adds && seen.is_complete)
        return 1;
    if (pass->at++ >= seen.settled && !is_ours)
        see_object(pass, info);
    pass->is_past_us = pass->is_past_us || is_ours;
    if (!pass->has_waiting && pass->at > seen.settled)
        seen.settled = pass->at;
    seen.adds = info->dlpi_adds;
    seen.subs = info->dlpi_subs;
    seen.is_complete = !pass->has_waiting;
    return 0;
}

bool mp_patch_refresh(void)
{
    struct pass pass = {.see = replace};
    dl_iterate_phdr(see_new, &pass);
    return pass.at && !pass.has_waiting;
}

static int see_old(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    if (!mp_elf_contains(info, (uintptr_t)see_old))
        see_object(context, info);
    return 0;
}

void mp_patch_uninstall(void)
{
    struct pass pass = {.see = restore};
    dl_iterate_phdr(see_old, &pass);
    patch_count = 0;
    seen.settled = 0;
    seen.is_complete = false;
}

/* Over all objects. */
struct finding {
    bool has_malloc, is_refused;
};

/* What one object defines. `allocates`: its malloc is the program's. */
static void find_in(const struct mp_elf *elf, bool allocates)
{
    bool loader = is_loader(elf);
    for (size_t i = 0; i < patch_count; i++) {
        const struct mp_patch *patch = &patches[i];
        if (is_found[i] || (loader && !patch->is_loaders))
            continue;
        void *here = (void *)mp_elf_find(elf, patch->name);
        is_found[i] = here;
        *patch->original = allocates || !patch->is_allocators ? here : NULL;
    }
}

/* Definitions, in load order. A program without position-independent code gives its own stub for
   the address of a function it imports, so dlsym(3) cannot be asked: that stub comes to us. */
static int find_originals(struct dl_phdr_info *info, size_t size, void *context)
{
    struct finding *finding = context;
    static const char *const sanitizers[] = {"__asan_init", "__msan_init", "__tsan_init"};
    struct mp_elf elf;
    (void)size;
    if (mp_elf_read(&elf, info))
        return 0;
    for (size_t i = 0; i < sizeof sanitizers / sizeof *sanitizers; i++)
        if (mp_elf_find(&elf, sanitizers[i]))
            finding->is_refused = true;
    bool allocates =
        !finding->has_malloc && !is_loader(&elf) && mp_elf_find(&elf, "malloc");
    finding->has_malloc = finding->has_malloc || allocates;
    find_in(&elf, allocates);
    return 0;
}

static void sort_in(const struct mp_patch *patch)
{
    size_t at = patch_count++;
    for (; at && strcmp(patches[at - 1].name, patch->name) > 0; at--)
        patches[at] = patches[at - 1];
    patches[at] = *patch;
    *patch->original = NULL;
}

static int refuse(int reason)
{
    patch_count = 0;
    errno = reason;
    return -1;
}

int mp_patch_install(const struct mp_patch *table, size_t count)
{
    struct finding finding = {0};
    if (patch_count || count > MP_PATCH_MOST)
        return patch_count ? 0 : refuse(E2BIG);
    if (getauxval(AT_SECURE))
        return refuse(EPERM);
    for (size_t i = 0; i < count; i++)
        sort_in(&table[i]);
    memset(is_found, 0, sizeof is_found);
    dl_iterate_phdr(find_originals, &finding);
    if (finding.is_refused || !mp_elf_is_supported())
        return refuse(ENOTSUP);
    mp_patch_refresh();
    return 0;
}

/* Where RTLD_NEXT is looked for: after the caller, and for an object that was loaded later among
   what it needs, which may have been there before. */
struct search {
    const struct mp_patch *patch;
    uintptr_t caller, found;
    bool is_past_caller, was_before;
};

static int find_next(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    struct search *search = context;
    struct mp_elf elf;
    bool is_caller = mp_elf_contains(info, search->caller);
    if (!is_caller && !mp_elf_read(&elf, info) && !is_loader(&elf)) {
        uintptr_t here = mp_elf_find(&elf, search->patch->name);
        if (search->is_past_caller)
            search->found = here;
        else if (here == (uintptr_t)*search->patch->original)
            search->was_before = true;
    }
    search->is_past_caller = search->is_past_caller || is_caller;
    return search->found != 0;
}

bool mp_patch_is_next(const struct mp_patch *patch, const void *caller)
{
    struct search search = {.patch = patch, .caller = (uintptr_t)caller};
    dl_iterate_phdr(find_next, &search);
    return search.found ? search.found == (uintptr_t)*patch->original : search.was_before;
}
