/* Objects that come, go and look functions up by name: each is followed, none is harmed. */
#include "unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/heap/native/patch.h"
#include "native/model.h"
#include "native/plugin.h"

static const struct plugin *plugin;
static char path[4096];

static const char *object(const char *name)
{
    snprintf(path, sizeof path, "%s/lib%s.so", getenv("MP_PLUGINS"), name);
    return path;
}

/* By another's dlopen: ours is not followed. */
static void *load(const char *name, int flags)
{
    void *handle = plugin->dlopen(object(name), flags);
    if (!handle)
        print_error("%s\n", dlerror());
    assert_non_null(handle);
    return handle;
}

static const struct plugin *plugin_of(void *handle)
{
    const struct plugin *(*here)(void) = plugin->dlsym(handle, "plugin_here");
    assert_non_null(here);
    return here();
}

static void expect_followed(const struct plugin *other, size_t size)
{
    struct tally before = model_tally;
    void *block = other->malloc(size);
    struct tally since = model_since(&before);
    assert_int_equal(since.allocs, 1);
    assert_int_equal(since.bytes, size);
    before = model_tally;
    block = other->realloc(block, size + 1);
    other->free(block);
    other->free(other->calloc(1, size));
    since = model_since(&before);
    assert_int_equal(since.allocs, 2);
    assert_int_equal(since.freed, size + size + 1 + size);
}

static void faults_48_every_way_of_loading_is_followed(void **state)
{
    (void)state;
    static const char *const names[] = {"native_now", "native_lazy"};
    static const int flags[] = {RTLD_NOW | RTLD_LOCAL, RTLD_LAZY | RTLD_LOCAL,
                                RTLD_NOW | RTLD_DEEPBIND, RTLD_LAZY | RTLD_DEEPBIND,
                                RTLD_LAZY | RTLD_GLOBAL};
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < sizeof flags / sizeof *flags; j++) {
            void *handle = load(names[i], flags[j]);
            const struct plugin *other = plugin_of(handle);
            assert_ptr_not_equal(other, plugin);
            expect_followed(other, 1000 + i * 10 + j);
            expect_followed(other, 2000 + i * 10 + j);
            other->free(other->constructed);
            struct tally before = model_tally;
            assert_int_equal(dlclose(handle), 0);
            assert_int_equal(model_since(&before).bytes, DESTRUCTED);
        }
}

/* Its first call of ours finds it: the constructor's calls themselves come before. */
static void an_object_that_nobody_looks_into_is_followed_from_the_next_call(void **state)
{
    (void)state;
    void *handle = load("native_now", RTLD_NOW);
    plugin->free(plugin->malloc(1));
    const struct plugin *(*here)(void) =
        dlsym(handle, "plugin_here"); /* ours: not a hook */
    expect_followed(here(), 333);
    here()->free(here()->constructed);
    dlclose(handle);
}

static uintptr_t base_of(void *handle)
{
    struct link_map *map;
    assert_int_equal(dlinfo(handle, RTLD_DI_LINKMAP, &map), 0);
    return map->l_addr;
}

static void faults_47_an_object_at_the_address_of_another_is_followed(void **state)
{
    (void)state;
    uintptr_t last = 0;
    int same = 0;
    for (int i = 0; i < 20; i++) {
        void *handle = load(i % 3 ? "native_now" : "native_lazy", RTLD_NOW);
        same += base_of(handle) == last;
        last = base_of(handle);
        const struct plugin *other = plugin_of(handle);
        expect_followed(other, 50 + (size_t)i);
        other->free(other->constructed);
        dlclose(handle);
    }
    if (!same) {
        print_message("skipped: this kernel puts no object where another was\n");
        skip();
    }
}

static void faults_48_an_allocator_of_ones_own_is_left_alone(void **state)
{
    (void)state;
    void *handle = load("native_own", RTLD_NOW | RTLD_DEEPBIND);
    int (*keeps)(void) = plugin->dlsym(handle, "keeps_its_malloc");
    struct tally before = model_tally;
    assert_true(keeps());
    struct tally since = model_since(&before);
    assert_int_equal(since.allocs + since.frees + since.unknown, 0);
    void *(*theirs)(size_t) = plugin->dlsym(handle, "malloc");
    assert_ptr_equal(theirs, dlsym(handle, "malloc"));
    assert_ptr_not_equal(theirs, dlsym(RTLD_DEFAULT, "malloc"));
    dlclose(handle);
}

static void a_function_looked_up_by_name_is_followed(void **state)
{
    (void)state;
    void *program = plugin->dlopen(NULL, RTLD_NOW);
    void *libc = plugin->dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    void *handles[] = {RTLD_DEFAULT, RTLD_NEXT, program, libc};
    for (size_t i = 0; i < 4; i++) {
        void *(*found)(size_t) = plugin->dlsym(handles[i], "malloc");
        void (*found_free)(void *) = plugin->dlsym(handles[i], "free");
        assert_non_null(found);
        struct tally before = model_tally;
        void *block = found(40 + i);
        found_free(block);
        struct tally since = model_since(&before);
        assert_int_equal(since.allocs, 1);
        assert_int_equal(since.frees, 1);
        assert_int_equal(since.bytes, 40 + i);
    }
}

/* Ours is not followed: the originals are reported to it. */
static void every_function_of_both_families_is_found_as_ours(void **state)
{
    (void)state;
    static const char *const names[] = {
        "malloc",         "calloc", "realloc",  "reallocarray", "memalign", "aligned_alloc",
        "posix_memalign", "valloc", "pvalloc",  "free",         "mmap",     "mmap64",
        "munmap",         "mremap", "mprotect", "madvise",      "brk",      "sbrk",
        "dlopen",         "dlsym"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *original = dlsym(RTLD_DEFAULT, names[i]);
        void *found = plugin->dlsym(RTLD_DEFAULT, names[i]);
        if (!found || found == original)
            print_error("%s is not ours\n", names[i]);
        assert_non_null(found);
        assert_ptr_not_equal(found, original);
    }
}

static void what_comes_next_is_what_the_loader_says(void **state)
{
    (void)state;
    void *handle = load("native_now", RTLD_NOW);
    const struct plugin *late = plugin_of(handle);
    void *(*real)(void *, const char *) = dlsym(RTLD_DEFAULT, "dlsym");
    void *(*next)(size_t) = late->dlsym(RTLD_NEXT, "malloc");
    assert_non_null(next);
    assert_ptr_not_equal(next, real(RTLD_DEFAULT, "malloc"));
    struct tally before = model_tally;
    late->free(next(90));
    assert_int_equal(model_since(&before).allocs, 1);
    late->free(late->constructed);
    dlclose(handle);
}

static void a_name_that_is_not_there_is_the_callers_error(void **state)
{
    (void)state;
    dlerror();
    assert_null(plugin->dlsym(RTLD_DEFAULT, "no_such_function_anywhere"));
    assert_non_null(strstr(dlerror(), "no_such_function_anywhere"));
    assert_null(plugin->dlopen("libno-such-object.so", RTLD_NOW));
    assert_non_null(strstr(dlerror(), "libno-such-object.so"));
    assert_null(dlerror());
    if (!dlsym(RTLD_DEFAULT, "free_sized")) /* before glibc 2.43 */
        assert_null(plugin->dlsym(RTLD_DEFAULT, "free_sized"));
}

static void the_callers_runpath_is_searched_not_ours(void **state)
{
    (void)state;
    assert_null(dlopen("libonly-there.so", RTLD_NOW));
    void *handle = plugin->dlopen("libonly-there.so", RTLD_NOW);
    assert_non_null(handle);
    dlclose(handle);
}

/* Whether all pages from one address to another are "r--p". */
static bool are_read_only(uintptr_t from, uintptr_t to)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    uintptr_t start, end;
    char line[4096], protection[5];
    while (from < to && fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %4s", &start, &end, protection) == 3 && start <= from &&
            from < end && !strcmp(protection, "r--p"))
            from = end;
    fclose(maps);
    return from >= to;
}

static int expect_relro(struct dl_phdr_info *info, size_t size, void *seen)
{
    (void)size;
    uintptr_t mask = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + segment->p_vaddr;
        uintptr_t end = (start + segment->p_memsz) & ~mask;
        if (segment->p_type != PT_GNU_RELRO || (start & ~mask) == end)
            continue;
        if (!are_read_only(start & ~mask, end))
            print_error("%s is writable\n", info->dlpi_name);
        assert_true(are_read_only(start & ~mask, end));
        ++*(int *)seen;
    }
    return 0;
}

static void read_only_relocations_stay_read_only(void **state)
{
    (void)state;
    int seen = 0;
    dl_iterate_phdr(expect_relro, &seen);
    assert_true(seen >= 1);
}

static int gate_calls;

static void refresh_meanwhile(void)
{
    mp_patch_refresh();
    gate_calls++;
}

static void
faults_46_an_object_that_is_still_being_relocated_is_followed_after(void **state)
{
    static const struct {
        const char *name;
        int flags;
    } objects[] = {{"native_gated", RTLD_NOW},
                   {"native_gated_bare", RTLD_NOW},
                   {"native_gated_bare", RTLD_LAZY}};
    (void)state;
    for (int i = 0; i < 9; i++) {
        gate_calls = 0;
        plugin_gate = refresh_meanwhile;
        void *handle = load(objects[i / 3].name, objects[i / 3].flags);
        assert_int_equal(gate_calls, 1);
        plugin_gate = NULL;
        const struct plugin *other = plugin_of(handle);
        expect_followed(other, 70);
        other->free(other->constructed);
        dlclose(handle);
    }
}

static void allocate_meanwhile(void)
{
    plugin->free(plugin->malloc(1));
}

static void an_allocation_inside_dlopen_does_not_use_up_the_look(void **state)
{
    (void)state;
    plugin_gate = allocate_meanwhile;
    void *handle = load("native_gated", RTLD_NOW);
    plugin_gate = NULL;
    plugin->free(plugin->malloc(1));
    const struct plugin *(*here)(void) = dlsym(handle, "plugin_here");
    expect_followed(here(), 71);
    here()->free(here()->constructed);
    dlclose(handle);
}

static void uninstalled_hooks_hear_nothing_and_come_back(void **state)
{
    (void)state;
    struct tally before = model_tally;
    mp_patch_uninstall();
    plugin->free(plugin->malloc(99));
    plugin->free(plugin->by_pointer(99));
    struct tally since = model_since(&before);
    assert_int_equal(since.allocs + since.frees + since.unknown, 0);
    model_restart();
    expect_followed(plugin, 98);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_48_every_way_of_loading_is_followed),
        cmocka_unit_test(an_object_that_nobody_looks_into_is_followed_from_the_next_call),
        cmocka_unit_test(faults_47_an_object_at_the_address_of_another_is_followed),
        cmocka_unit_test(faults_48_an_allocator_of_ones_own_is_left_alone),
        cmocka_unit_test(a_function_looked_up_by_name_is_followed),
        cmocka_unit_test(every_function_of_both_families_is_found_as_ours),
        cmocka_unit_test(what_comes_next_is_what_the_loader_says),
        cmocka_unit_test(a_name_that_is_not_there_is_the_callers_error),
        cmocka_unit_test(the_callers_runpath_is_searched_not_ours),
        cmocka_unit_test(read_only_relocations_stay_read_only),
        cmocka_unit_test(
            faults_46_an_object_that_is_still_being_relocated_is_followed_after),
        cmocka_unit_test(an_allocation_inside_dlopen_does_not_use_up_the_look),
        cmocka_unit_test(uninstalled_hooks_hear_nothing_and_come_back),
    };
    plugin = plugin_here();
    model_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
