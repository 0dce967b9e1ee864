/* Functions and variables that a mapped ELF object exports, read from the process's own memory: also
 * where its file was replaced since, is in another root, or cannot be opened.
 *
 *     first bytes of the object ─► PT_DYNAMIC ─► hash table ─► symbol ─► its name, value
 */
#ifndef MP_CAPTURE_ATTACH_SYMBOLS_H
#define MP_CAPTURE_ATTACH_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mp_symbols {
    int mem;       /* /proc/PID/mem, the caller's */
    uint64_t bias; /* what is added to the addresses in its file */
    uint64_t table, names, gnu_hash, sysv_hash; /* addresses; 0: there is none */
};

/* Reads so many bytes of the process: whether all could be. */
bool mp_memory_read(int mem, uint64_t address, void *to, size_t length);

/* Whether what is mapped there is a program or library of this machine, with 64 bits. */
bool mp_symbols_is_of_machine(int mem, uint64_t start);

/* Of the object whose first page is mapped at `start`. False: it is none, or not of this machine. */
bool mp_symbols_open(struct mp_symbols *, int mem, uint64_t start);

/* The address of a symbol that the object defines, 0: none. Of those that are resolved by a call
   (STT_GNU_IFUNC) there is none. */
uint64_t mp_symbols_find(const struct mp_symbols *, const char *name);

#endif
