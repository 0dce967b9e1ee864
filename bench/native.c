/* What the bare native hooks cost, with a sink that does nothing. Built twice: as the object that
   calls malloc (-DCALLER), and as the program, which measures before and after the hooks. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

void call_malloc(long rounds, size_t size);
void call_mmap(long rounds, size_t size);

#ifdef CALLER

void call_malloc(long rounds, size_t size)
{
    while (rounds--) {
        void *volatile block = malloc(size);
        free(block);
    }
}

void call_mmap(long rounds, size_t size)
{
    while (rounds--)
        munmap(mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), size);
}

#else

#include "capture/heap/native/hooks.h"
#include "capture/heap/native/patch.h"
#include "capture/heap/native/state.h"
#include "../tests/c/heap/native/local_sink.h"

/* clang-format off */
static void report_alloc(void *address, size_t size) { (void)address, (void)size; }
static bool report_free(void *address) { (void)address; return false; }
static void tell_freed(void) {}
static void tell_take(void *a, struct mp_native_moving *m) { (void)a, (void)m; }
static void tell_put_back(void *a, const struct mp_native_moving *m) { (void)a, (void)m; }
static void tell_moved(uintptr_t a, const struct mp_native_moving *m, void *b, size_t s)
{ (void)a, (void)m, (void)b, (void)s; }
static void tell_map(void *a, size_t s, enum mp_map_kind k, int p)
{ (void)a, (void)s, (void)k, (void)p; }
static void tell_leave(void *a, size_t s) { (void)a, (void)s; }
static void tell_unmap(void *a, size_t s) { (void)a, (void)s; }
static void tell_protect(void *a, size_t s, int p) { (void)a, (void)s, (void)p; }
static void tell_dontneed(void *a, size_t s) { (void)a, (void)s; }
static void tell_remap(const struct mp_maps_remap *r) { (void)r; }
static void tell_create(struct mp_native_creation *b) { (void)b; }
/* clang-format on */

static double ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The best of several: the machine does other things. */
static double best(void (*call)(long, size_t), long rounds, size_t size)
{
    double least = 1e18;
    for (int i = 0; i < 15; i++) {
        double start = ns();
        call(rounds, size);
        double took = (ns() - start) / (double)rounds;
        least = took < least ? took : least;
    }
    return least;
}

static void measure(const char *when)
{
    printf("%-9s %8.2f %8.2f %8.1f\n", when, best(call_malloc, 2000000, 64),
           best(call_malloc, 200000, 4096), best(call_mmap, 20000, 65536));
}

int main(void)
{
    puts("ns a pair  64 bytes   4 KiB  64 KiB by mmap");
    measure("plain");
    double start = ns();
    if (mp_native_install(&local_sink))
        return 1;
    double took = ns() - start;
    measure("hooked");
    mp_native_mute();
    measure("muted");
    mp_native_unmute();
    start = ns();
    for (int i = 0; i < 1000; i++)
        mp_patch_refresh();
    printf("install %.0f us, refresh with nothing new %.2f us\n", took / 1e3,
           (ns() - start) / 1e6);
    return 0;
}

#endif
