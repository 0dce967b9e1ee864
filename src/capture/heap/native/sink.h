/* What the native hooks tell, to whoever records: these functions are the recorder's.
 *
 * They run in any thread, at any moment when the program may allocate, in signal handlers too:
 * a lock may only be tried. They leave errno alone. Nothing they call is reported. An address is
 * reported as freed before it is, and as allocated after.
 */
#ifndef MP_CAPTURE_HEAP_NATIVE_SINK_H
#define MP_CAPTURE_HEAP_NATIVE_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/heap/native/creation.h"
#include "capture/heap/native/maps.h"

/* What the recorder wants to know again of a block that realloc may move. */
struct mp_native_moving {
    uint64_t words[4];
};

struct mp_native_sink {
    void (*alloc)(void *address, size_t size);

    /* Whether it wants a report when the block is given back. */
    bool (*free)(void *address);
    void (*freed)(void);

    /* Before a realloc; then one of the other two. */
    void (*take)(void *address, struct mp_native_moving *);
    void (*put_back)(void *address, const struct mp_native_moving *);
    /* It is at `to` now, or was freed by being made empty: NULL. */
    void (*moved)(uintptr_t from, const struct mp_native_moving *, void *to, size_t size);

    /* The mmap family: one thread at a time, in the order of the kernel's own changes. */
    void (*map)(void *address, size_t length, enum mp_map_kind, int protection);
    void (*leave)(void *address, size_t length); /* before these are given back */
    void (*unmap)(void *address, size_t length);
    void (*protect)(void *address, size_t length, int protection);
    void (*dontneed)(void *address, size_t length);
    void (*remap)(const struct mp_maps_remap *); /* without its stack */

    /* The calling thread creates another, and this is what that one will find; it is empty. */
    void (*create)(struct mp_native_creation *);
};

/* Whom they tell: whole before the first hook is there. A call is one instruction, as one by name. */
extern struct mp_native_sink mp_native_sink __attribute__((visibility("hidden")));

#endif
