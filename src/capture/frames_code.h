/* Code objects by number: at first sight a function's names and line table are copied into the
 * capture, and nothing of it is kept alive. When a code object dies its address may be another's
 * the next moment; the block of a known one is watched, and forgotten as it is freed.
 *
 * One thread at a time; the caller has a lock. Calls nothing of Python's that could run code or
 * allocate.
 */
#ifndef MP_CAPTURE_FRAMES_CODE_H
#define MP_CAPTURE_FRAMES_CODE_H

#include <Python.h>

#include <stdbool.h>

#include "capture/shadow.h"
#include "record/heap.h"

enum { MP_CODES_TEXTS = 512 };

struct mp_codes_entry {
    uintptr_t address; /* 0: free, 1: was used */
    uint32_t id;
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
};

/* 0, or -1 with errno ENOMEM. */
int mp_codes_init(struct mp_codes *, struct mp_heap *, struct mp_shadow *);
void mp_codes_release(struct mp_codes *);

/* The number of a code object that is alive; 0, the nameless one, when there is no room. */
uint32_t mp_codes_find(struct mp_codes *, PyCodeObject *);

/* The number of what is no code but has a name, and where it belongs: a file that the capture
   names already, or none. */
uint32_t mp_codes_label(struct mp_codes *, const char *label, struct mp_heap_text file,
                        int line);

/* The watched block at this address is being freed. Whether it was a code object's. */
bool mp_codes_forget(struct mp_codes *, uintptr_t address);

#endif
