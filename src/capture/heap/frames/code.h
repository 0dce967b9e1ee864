/* Code objects by number: at first sight a function's names and line table are copied into the
 * capture, and nothing of it is kept alive. When a code object dies its address may be another's
 * the next moment; the block of a known one is watched, and forgotten as it is freed.
 *
 * One thread at a time; the caller has a lock. Calls nothing of Python's that could run code or
 * allocate.
 */
#ifndef MP_CAPTURE_HEAP_FRAMES_CODE_H
#define MP_CAPTURE_HEAP_FRAMES_CODE_H

#include <Python.h>

#include <stdbool.h>

#include "capture/heap/accounting/shadow.h"
#include "record/heap.h"

enum { MP_CODES_TEXTS = 512, MP_CODES_PATH = 4096 };

/* Whose code it is, which says how much room its stacks may take. */
enum mp_code_kind {
    MP_CODE_PROGRAM, /* neither installed nor Python's */
    MP_CODE_LIBRARY,
    MP_CODE_MODULE,   /* the top level of a library's */
    MP_CODE_IMPORTER, /* import machinery */
    MP_CODE_STARTER,  /* starts programs: ours, runpy */
};

struct mp_codes_entry {
    uintptr_t address; /* 0: free */
    uint32_t id;       /* 0: there was no room for its names yet */
    enum mp_code_kind kind;
};

struct mp_codes {
    struct mp_heap *heap;           /* borrowed */
    struct mp_shadow *shadow;       /* borrowed */
    struct mp_codes_entry *entries; /* owned: code objects alive, by address */
    size_t room, used;
    uint32_t *known; /* owned: definitions by content, 0 is free */
    size_t known_room;
    uint64_t died;                             /* changes when a known code object dies */
    struct mp_heap_text texts[MP_CODES_TEXTS]; /* names lately written */
    struct mp_codes_entry unseen;              /* of a code whose death would not be seen */
    char path[MP_CODES_PATH];                  /* of one that is new */
};

/* 0, or -1 with errno ENOMEM. */
int mp_codes_init(struct mp_codes *, struct mp_heap *, struct mp_shadow *);
void mp_codes_release(struct mp_codes *);

/* What is known of a code object that is alive; holds until the next call. */
struct mp_codes_entry *mp_codes_find(struct mp_codes *, PyCodeObject *);

/* Its number, which it is given if a share of the file has room for its names; else 0. */
uint32_t mp_codes_number(struct mp_codes *, struct mp_codes_entry *, PyCodeObject *,
                         enum mp_heap_for);

/* The number of what is no code but has a name, and where it belongs: a file that the capture
   names already, or none. 0 when there is no room. */
uint32_t mp_codes_label(struct mp_codes *, const char *label, struct mp_heap_text file,
                        int line);

/* The watched block at this address is being freed. Whether it was a code object's. */
bool mp_codes_forget(struct mp_codes *, uintptr_t address);

#endif
