#include "capture/heap/frames/layout.h"

#include "capture/heap/frames/holding.h"

#if PY_VERSION_HEX < 0x030C0000

#include <internal/pycore_runtime.h>

void mp_holding_find(void) {}

/* One for all threads. */
PyThreadState *const *mp_holding_mine(void)
{
    return (PyThreadState *const *)&_PyRuntime.gilstate.tstate_current;
}

#else

static PyThreadState *const nobody = NULL;

#if defined(__x86_64__) || defined(__aarch64__)

#include <link.h>

/* A variable of each thread in the interpreter's library, without a name that others see: the one word
   there that is the thread's state. Two would not tell which. */

struct place {
    unsigned long module, offset; /* what the ABI calls a tls_index; no module: unknown */
};

struct search {
    const PyThreadState *state;
    struct place found;
    unsigned count;
};

extern void *__tls_get_addr(struct place *);

static struct place place;

/* Whether the library is the one with the interpreter's code. */
static bool is_interpreter(const struct dl_phdr_info *library)
{
    uintptr_t code = (uintptr_t)_PyThreadState_UncheckedGet - library->dlpi_addr;
    for (unsigned i = 0; i < library->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &library->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && code - part->p_vaddr < part->p_memsz)
            return true;
    }
    return false;
}

static int look(struct dl_phdr_info *library, size_t size, void *context)
{
    struct search *search = context;
    if (size < sizeof *library || !library->dlpi_tls_data || !is_interpreter(library))
        return 0;
    for (unsigned i = 0; i < library->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &library->dlpi_phdr[i];
        for (size_t at = 0; part->p_type == PT_TLS && at + sizeof(void *) <= part->p_memsz;
             at += sizeof(void *)) {
            const char *word = (const char *)library->dlpi_tls_data + at;
            if (*(PyThreadState *const *)word != search->state)
                continue;
            search->found = (struct place){library->dlpi_tls_modid, at};
            search->count++;
        }
    }
    return 1;
}

void mp_holding_find(void)
{
    struct search search = {.state = mp_thread_holding()};
    if (place.module || !search.state)
        return;
    dl_iterate_phdr(look, &search);
    if (search.count == 1)
        place = search.found;
}

PyThreadState *const *mp_holding_mine(void)
{
    return place.module ? __tls_get_addr(&place) : &nobody;
}

#else

void mp_holding_find(void) {}

PyThreadState *const *mp_holding_mine(void)
{
    return &nobody;
}

#endif
#endif
