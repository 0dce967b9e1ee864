#include "capture/heap/native/elf_object.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

#if defined __x86_64__
enum { JUMP_SLOT = R_X86_64_JUMP_SLOT, GLOB_DAT = R_X86_64_GLOB_DAT, DATA = R_X86_64_64 };
#elif defined __aarch64__
enum {
    JUMP_SLOT = R_AARCH64_JUMP_SLOT,
    GLOB_DAT = R_AARCH64_GLOB_DAT,
    DATA = R_AARCH64_ABS64,
};
#else
enum { JUMP_SLOT = -1, GLOB_DAT = -1, DATA = -1 };
#endif

enum { REL, RELA, JMPREL };

bool mp_elf_is_supported(void)
{
    return JUMP_SLOT != GLOB_DAT;
}

/* Some loaders relocate these pointers in place, and none does the vDSO's. */
static const void *at(const struct mp_elf *elf, ElfW(Addr) pointer)
{
    return (const void *)(pointer < elf->base ? elf->base + pointer : pointer);
}

static void read_entry(struct mp_elf *elf, const ElfW(Dyn) * entry)
{
    struct mp_elf_relocations *tables = elf->tables;
    const void *pointer = at(elf, entry->d_un.d_ptr);
    size_t value = entry->d_un.d_val;
    switch (entry->d_tag) {
    case DT_SYMTAB:
        elf->symbols = pointer;
        break;
    case DT_STRTAB:
        elf->strings = pointer;
        break;
    case DT_GNU_HASH:
        elf->hash = pointer;
        break;
    case DT_REL:
        tables[REL].first = pointer;
        break;
    case DT_RELSZ:
        tables[REL].size = value;
        break;
    case DT_RELA:
        tables[RELA].first = pointer;
        break;
    case DT_RELASZ:
        tables[RELA].size = value;
        break;
    case DT_JMPREL:
        tables[JMPREL].first = pointer;
        break;
    case DT_PLTRELSZ:
        tables[JMPREL].size = value;
        break;
    case DT_PLTREL:
        tables[JMPREL].each = value == DT_REL ? sizeof(ElfW(Rel)) : sizeof(ElfW(Rela));
        break;
    }
}

/* The loader protects whole pages, and leaves a last part of one alone. */
static void read_relro(struct mp_elf *elf, const ElfW(Phdr) * segment)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = elf->base + segment->p_vaddr;
    elf->relro_start = start & ~(page - 1);
    elf->relro_end = (start + segment->p_memsz) & ~(page - 1);
}

int mp_elf_read(struct mp_elf *elf, const struct dl_phdr_info *info)
{
    *elf = (struct mp_elf){.base = info->dlpi_addr,
                           .segments = info->dlpi_phdr,
                           .segment_count = info->dlpi_phnum};
    elf->tables[REL].each = sizeof(ElfW(Rel));
    elf->tables[RELA].each = elf->tables[JMPREL].each = sizeof(ElfW(Rela));
    for (size_t i = 0; i < elf->segment_count; i++) {
        const ElfW(Phdr) *segment = &elf->segments[i];
        if (segment->p_type == PT_GNU_RELRO)
            read_relro(elf, segment);
        if (segment->p_type != PT_DYNAMIC)
            continue;
        const ElfW(Dyn) *entry = (const void *)(elf->base + segment->p_vaddr);
        for (; entry->d_tag != DT_NULL; entry++)
            read_entry(elf, entry);
    }
    return elf->symbols && elf->strings ? 0 : -1;
}

bool mp_elf_contains(const struct dl_phdr_info *info, uintptr_t address)
{
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD &&
            address - info->dlpi_addr - segment->p_vaddr < segment->p_memsz)
            return true;
    }
    return false;
}

static uint32_t hash_of(const char *name)
{
    uint32_t hash = 5381;
    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

static bool is_function(const ElfW(Sym) * symbol)
{
    return symbol->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC;
}

/* The table: bucket count, first hashed symbol, filter words, shift; filter; buckets; chains.
   The last hash of a chain is odd. */
uintptr_t mp_elf_find(const struct mp_elf *elf, const char *name)
{
    if (!elf->hash || !elf->hash[0])
        return 0;
    const uint32_t *buckets = elf->hash + 4 + elf->hash[2] * (sizeof(ElfW(Addr)) / 4);
    const uint32_t *chains = buckets + elf->hash[0];
    uint32_t wanted = hash_of(name), first = elf->hash[1];
    uint32_t i = buckets[wanted % elf->hash[0]];
    if (i < first)
        return 0;
    for (;; i++) {
        uint32_t hash = chains[i - first];
        const ElfW(Sym) *symbol = &elf->symbols[i];
        if ((hash | 1) == (wanted | 1) && is_function(symbol) &&
            !strcmp(elf->strings + symbol->st_name, name))
            return elf->base + symbol->st_value;
        if (hash & 1)
            return 0;
    }
}

/* Both kinds of entry begin alike. */
static void see_table(const struct mp_elf *elf, const struct mp_elf_relocations *table,
                      void (*see)(void *, const struct mp_elf_slot *), void *context)
{
    for (size_t at = 0; at + table->each <= table->size; at += table->each) {
        const ElfW(Rel) *entry = (const void *)(table->first + at);
        int type = (int)ELF64_R_TYPE((uint64_t)entry->r_info);
        if (type != JUMP_SLOT && type != GLOB_DAT && type != DATA)
            continue;
        const ElfW(Sym) *symbol = &elf->symbols[ELF64_R_SYM((uint64_t)entry->r_info)];
        see(context,
            &(struct mp_elf_slot){
                .place = (void **)(elf->base + entry->r_offset),
                .name = elf->strings + symbol->st_name,
                .own = symbol->st_shndx == SHN_UNDEF ? 0 : elf->base + symbol->st_value,
                .is_late = type == JUMP_SLOT,
            });
    }
}

void mp_elf_each_slot(const struct mp_elf *elf,
                      void (*see)(void *context, const struct mp_elf_slot *), void *context)
{
    for (size_t i = 0; i < sizeof elf->tables / sizeof *elf->tables; i++)
        see_table(elf, &elf->tables[i], see, context);
}
