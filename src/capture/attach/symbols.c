#include "capture/attach/symbols.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

enum { MOST_SEGMENTS = 64, MOST_DYNAMIC = 256, MOST_IN_CHAIN = 1 << 16, LONGEST_NAME = 64 };

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#else
#define MACHINE EM_NONE
#endif

bool mp_memory_read(int mem, uint64_t address, void *to, size_t length)
{
    return pread(mem, to, length, (off_t)address) == (ssize_t)length;
}

static bool is_ours(const Elf64_Ehdr *header)
{
    return !memcmp(header->e_ident, ELFMAG, SELFMAG) &&
           header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_machine == MACHINE &&
           header->e_phentsize == sizeof(Elf64_Phdr) && header->e_phnum <= MOST_SEGMENTS;
}

bool mp_symbols_is_of_machine(int mem, uint64_t start)
{
    Elf64_Ehdr header;
    return mp_memory_read(mem, start, &header, sizeof header) && is_ours(&header);
}

/* Loaders of some systems leave the addresses as they are in the file. */
static uint64_t in_memory(const struct mp_symbols *symbols, uint64_t address)
{
    return address < symbols->bias ? address + symbols->bias : address;
}

static bool read_dynamic(struct mp_symbols *symbols, uint64_t at)
{
    for (int i = 0; i < MOST_DYNAMIC; i++) {
        Elf64_Dyn entry;
        if (!mp_memory_read(symbols->mem, at + (uint64_t)i * sizeof entry, &entry,
                            sizeof entry))
            return false;
        uint64_t value = in_memory(symbols, entry.d_un.d_ptr);
        if (entry.d_tag == DT_NULL)
            break;
        if (entry.d_tag == DT_SYMTAB)
            symbols->table = value;
        if (entry.d_tag == DT_STRTAB)
            symbols->names = value;
        if (entry.d_tag == DT_GNU_HASH)
            symbols->gnu_hash = value;
        if (entry.d_tag == DT_HASH)
            symbols->sysv_hash = value;
    }
    return symbols->table && symbols->names && (symbols->gnu_hash || symbols->sysv_hash);
}

bool mp_symbols_open(struct mp_symbols *symbols, int mem, uint64_t start)
{
    Elf64_Ehdr header;
    Elf64_Phdr segments[MOST_SEGMENTS];
    uint64_t lowest = UINT64_MAX, dynamic = 0;
    *symbols = (struct mp_symbols){.mem = mem};
    if (!mp_memory_read(mem, start, &header, sizeof header) || !is_ours(&header) ||
        !mp_memory_read(mem, start + header.e_phoff, segments,
                        header.e_phnum * sizeof *segments))
        return false;
    for (int i = 0; i < header.e_phnum; i++) {
        if (segments[i].p_type == PT_LOAD && segments[i].p_vaddr < lowest)
            lowest = segments[i].p_vaddr & ~(uint64_t)4095;
        if (segments[i].p_type == PT_DYNAMIC)
            dynamic = segments[i].p_vaddr;
    }
    if (lowest == UINT64_MAX || !dynamic)
        return false;
    symbols->bias = start - lowest;
    return read_dynamic(symbols, symbols->bias + dynamic);
}

static bool read_u32(const struct mp_symbols *symbols, uint64_t at, uint32_t *value)
{
    return mp_memory_read(symbols->mem, at, value, sizeof *value);
}

/* Whether symbol `index` is the one; *address is 0 where it is of no use. */
static bool is_it(const struct mp_symbols *symbols, uint32_t index, const char *name,
                  uint64_t *address)
{
    Elf64_Sym symbol;
    char its[LONGEST_NAME];
    size_t length = strlen(name) + 1;
    if (length > sizeof its ||
        !mp_memory_read(symbols->mem, symbols->table + index * sizeof symbol, &symbol,
                        sizeof symbol) ||
        !mp_memory_read(symbols->mem, symbols->names + symbol.st_name, its, length) ||
        memcmp(its, name, length) != 0)
        return false;
    bool usable = symbol.st_shndx != SHN_UNDEF && symbol.st_value &&
                  ELF64_ST_TYPE(symbol.st_info) != STT_GNU_IFUNC &&
                  ELF64_ST_TYPE(symbol.st_info) != STT_TLS;
    *address = usable ? symbols->bias + symbol.st_value : 0;
    return usable;
}

static uint64_t find_gnu(const struct mp_symbols *symbols, const char *name)
{
    uint32_t head[4], hash = 5381, index, mark; /* buckets, first symbol, filter's words */
    for (const unsigned char *at = (const unsigned char *)name; *at; at++)
        hash = hash * 33 + *at;
    if (!mp_memory_read(symbols->mem, symbols->gnu_hash, head, sizeof head) || !head[0])
        return 0;
    uint64_t buckets = symbols->gnu_hash + sizeof head + (uint64_t)head[2] * 8;
    uint64_t chains = buckets + (uint64_t)head[0] * 4, address;
    if (!read_u32(symbols, buckets + (uint64_t)(hash % head[0]) * 4, &index) ||
        index < head[1])
        return 0;
    for (int i = 0; i < MOST_IN_CHAIN; i++, index++) {
        if (!read_u32(symbols, chains + (uint64_t)(index - head[1]) * 4, &mark))
            return 0;
        if ((mark | 1) == (hash | 1) && is_it(symbols, index, name, &address))
            return address;
        if (mark & 1)
            return 0;
    }
    return 0;
}

static uint64_t find_sysv(const struct mp_symbols *symbols, const char *name)
{
    uint32_t head[2], hash = 0, index; /* buckets, symbols */
    uint64_t address;
    for (const unsigned char *at = (const unsigned char *)name; *at; at++) {
        hash = (hash << 4) + *at;
        hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
    }
    if (!mp_memory_read(symbols->mem, symbols->sysv_hash, head, sizeof head) || !head[0])
        return 0;
    uint64_t buckets = symbols->sysv_hash + sizeof head;
    uint64_t chains = buckets + (uint64_t)head[0] * 4;
    if (!read_u32(symbols, buckets + (uint64_t)(hash % head[0]) * 4, &index))
        return 0;
    for (int i = 0; i < MOST_IN_CHAIN && index; i++) {
        if (is_it(symbols, index, name, &address))
            return address;
        if (!read_u32(symbols, chains + (uint64_t)index * 4, &index))
            return 0;
    }
    return 0;
}

uint64_t mp_symbols_find(const struct mp_symbols *symbols, const char *name)
{
    return symbols->gnu_hash ? find_gnu(symbols, name) : find_sysv(symbols, name);
}
