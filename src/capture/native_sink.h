/* What the native hooks tell, to whoever records: these functions are the recorder's to define.
 *
 * They run in any thread, at any moment when the program may allocate, in signal handlers too:
 * a lock may only be tried. They leave errno alone. Nothing they call is told. An address is told
 * of as freed before it is, and as allocated after.
 */
#ifndef MP_CAPTURE_NATIVE_SINK_H
#define MP_CAPTURE_NATIVE_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "capture/maps.h"
#include "capture/native_birth.h"

void mp_native_sink_alloc(void *address, size_t size);
void mp_native_sink_free(void *address);

/* What the recorder wants to know again of a block that realloc may move. */
struct mp_native_moving {
    uint64_t words[4];
};

/* Before a realloc; then one of the other two. */
void mp_native_sink_take(void *address, struct mp_native_moving *);
void mp_native_sink_put_back(void *address, const struct mp_native_moving *);
/* It is at `to` now, or was freed by being made empty: NULL. */
void mp_native_sink_moved(uintptr_t from, const struct mp_native_moving *, void *to,
                          size_t size);

/* The mmap family: one thread at a time, in the order of the kernel's own changes. */
void mp_native_sink_map(void *address, size_t length, enum mp_map_kind, int protection);
void mp_native_sink_unmap(void *address, size_t length);
void mp_native_sink_protect(void *address, size_t length, int protection);
void mp_native_sink_dontneed(void *address, size_t length);
void mp_native_sink_remap(const struct mp_maps_remap *); /* without its stack */

/* The calling thread creates another, and this is what that one will find; it is empty. */
void mp_native_sink_create(struct mp_native_birth *);

#endif
