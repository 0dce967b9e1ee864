/* The tests' own sink: what the hooks tell, checked against a model as it comes. */
#ifndef MP_TESTS_NATIVE_MODEL_H
#define MP_TESTS_NATIVE_MODEL_H

#include <stddef.h>
#include <stdint.h>

/* What was reported of one thread. */
struct tally {
    long allocs, frees, unknown, put_back; /* unknown: frees of what was never reported */
    long bytes, freed;
    size_t last; /* size of the last block */
    long maps, unmaps, remaps, protects, dontneeds;
    long mapped;  /* bytes that count, by the interval map; of all threads */
    long creates; /* threads created by this one: each finds its gettid() as a stack */
};

extern __thread struct tally model_tally __attribute__((tls_model("initial-exec")));

/* Blocks reported twice without a free between, ever: 0. */
long model_mistakes(void);

/* Blocks that are live. */
long model_live(void);

/* The size of a live block, or -1. */
long model_size(const void *address);

/* Installs the hooks with this sink. Ends the test with meson's 77 where a sanitizer owns the
   allocator, after looking that they were refused for that. */
void model_start(void);

/* After mp_patch_uninstall(). */
void model_restart(void);

/* What was reported of this thread since. */
struct tally model_since(const struct tally *before);

/* In a forked child. */
void model_forked(void);

#endif
