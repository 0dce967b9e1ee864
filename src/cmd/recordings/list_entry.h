/* What `mprof list` says of one recording. */
#ifndef MP_CMD_RECORDINGS_LIST_ENTRY_H
#define MP_CMD_RECORDINGS_LIST_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mp_entry {
    const char *name; /* borrowed */
    bool heap;
    int64_t started;        /* ns since 1970; 0: not known */
    int64_t duration, peak; /* ns, bytes; -1: not known */
    char *command;          /* owned; NULL: not known */
    size_t children;        /* captures of a heap run beside the first */
    uint64_t sample;        /* bytes a sample stands for; 0: all is recorded */
};

/* Reads the whole recording. What cannot be read leaves its fields unknown. */
void mp_entry_init(struct mp_entry *, const char *name);
void mp_entry_release(struct mp_entry *);

/* The captures of a heap capture's children that are there. */
size_t mp_entry_children(const char *name);

/* The program of a heap capture, without what mprof put before it; NULL without memory. */
char *mp_entry_program(const char *name);

#endif
