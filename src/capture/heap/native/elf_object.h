/* One loaded object as its own tables describe it: what it defines, and where the loader wrote
 * the addresses of what it uses.
 *
 *     PT_DYNAMIC ─► DT_SYMTAB, DT_STRTAB, DT_GNU_HASH ─► mp_elf_find()
 *                ─► DT_REL, DT_RELA, DT_JMPREL ───────► mp_elf_each_slot()
 */
#ifndef MP_CAPTURE_HEAP_NATIVE_ELF_OBJECT_H
#define MP_CAPTURE_HEAP_NATIVE_ELF_OBJECT_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mp_elf_relocations {
    const char *first;
    size_t size, each;
};

struct mp_elf {
    uintptr_t base;
    const ElfW(Phdr) * segments;
    size_t segment_count;
    const ElfW(Sym) * symbols;
    const char *strings;
    const uint32_t *hash;                /* DT_GNU_HASH, or NULL */
    struct mp_elf_relocations tables[3]; /* DT_REL, DT_RELA, DT_JMPREL; size 0: none */
    uintptr_t relro_start, relro_end;    /* whole pages, read-only once relocated */
};

/* A place where the loader writes the address of a function. */
struct mp_elf_slot {
    void **place;
    const char *name;
    uintptr_t own; /* the object's own definition, or 0 */
    bool is_late;  /* until its first call it may lead to a stub that looks the name up */
};

/* Whether this machine's relocations are known. */
bool mp_elf_is_supported(void);

/* Borrows the object's memory: valid while dl_iterate_phdr(3) holds it. 0, or -1 when the object
   has no dynamic symbols. Allocates nothing. */
int mp_elf_read(struct mp_elf *, const struct dl_phdr_info *);

/* Whether an address lies in one of the object's segments. */
bool mp_elf_contains(const struct dl_phdr_info *, uintptr_t address);

/* The address of the function that the object defines under a name, or 0. */
uintptr_t mp_elf_find(const struct mp_elf *, const char *name);

/* Calls back for each named slot, resolved or not. */
void mp_elf_each_slot(const struct mp_elf *,
                      void (*see)(void *context, const struct mp_elf_slot *),
                      void *context);

#endif
