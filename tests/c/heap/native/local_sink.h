/* A sink of native hooks, for tests and benchmarks: made of functions of these names, which the one
 * file of a program that includes this defines. */
#ifndef MP_TESTS_NATIVE_LOCAL_SINK_H
#define MP_TESTS_NATIVE_LOCAL_SINK_H

#include "capture/heap/native/sink.h"

static void report_alloc(void *address, size_t size);
static bool report_free(void *address);
static void tell_freed(void);
static void tell_take(void *address, struct mp_native_moving *);
static void tell_put_back(void *address, const struct mp_native_moving *);
static void tell_moved(uintptr_t from, const struct mp_native_moving *, void *to, size_t);
static void tell_map(void *address, size_t length, enum mp_map_kind, int protection);
static void tell_leave(void *address, size_t length);
static void tell_unmap(void *address, size_t length);
static void tell_protect(void *address, size_t length, int protection);
static void tell_dontneed(void *address, size_t length);
static void tell_remap(const struct mp_maps_remap *);
static void tell_create(struct mp_native_creation *);

static const struct mp_native_sink local_sink = {
    .alloc = report_alloc,
    .free = report_free,
    .freed = tell_freed,
    .take = tell_take,
    .put_back = tell_put_back,
    .moved = tell_moved,
    .map = tell_map,
    .leave = tell_leave,
    .unmap = tell_unmap,
    .protect = tell_protect,
    .dontneed = tell_dontneed,
    .remap = tell_remap,
    .create = tell_create,
};

#endif
