#include "capture/heap/native/patch_dl.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>

#include "capture/heap/native/state.h"

#define FOR_ASM __attribute__((used, visibility("hidden")))

/* What the trampolines below call before they jump, with the caller's first two arguments and its
   address. NULL: go on to the original. */
FOR_ASM void *mp_patch_before_dlopen(const void *, const void *, const void *);
FOR_ASM void *mp_patch_before_dlsym(void *, const char *, const void *);

void *mp_patch_dlopen(const char *, int);
void *mp_patch_dlmopen(long, const char *, int);
void *mp_patch_dlsym(void *, const char *);

FOR_ASM void *mp_patch_real_dlopen;
FOR_ASM void *mp_patch_real_dlmopen;
FOR_ASM void *mp_patch_real_dlsym;

const struct mp_patch mp_patch_dl[MP_PATCH_DL_COUNT] = {
    {"dlopen", (void *)mp_patch_dlopen, &mp_patch_real_dlopen},
    {"dlmopen", (void *)mp_patch_dlmopen, &mp_patch_real_dlmopen},
    {"dlsym", (void *)mp_patch_dlsym, &mp_patch_real_dlsym},
};

#define FUNCTION(name)                                                   \
    ".pushsection .text\n.globl " name "\n.hidden " name "\n.type " name \
    ", %function\n" name ":\n.cfi_startproc\n"
#define END(name) ".cfi_endproc\n.size " name ", . - " name "\n.popsection\n"

#if defined __x86_64__
#define TRAMPOLINE(name, before, real)                         \
    asm(FUNCTION(name) "endbr64\n"                             \
                       "push %rdi\n.cfi_adjust_cfa_offset 8\n" \
                       "push %rsi\n.cfi_adjust_cfa_offset 8\n" \
                       "push %rdx\n.cfi_adjust_cfa_offset 8\n" \
                       "mov 24(%rsp), %rdx\n"                  \
                       "call " before "\n"                     \
                       "pop %rdx\n.cfi_adjust_cfa_offset -8\n" \
                       "pop %rsi\n.cfi_adjust_cfa_offset -8\n" \
                       "pop %rdi\n.cfi_adjust_cfa_offset -8\n" \
                       "test %rax, %rax\n"                     \
                       "jz 1f\n"                               \
                       "ret\n"                                 \
                       "1: jmp *" real "(%rip)\n" END(name))
#elif defined __aarch64__
#define TRAMPOLINE(name, before, real)                                       \
    asm(FUNCTION(name) "hint #34\n"                                          \
                       "stp x29, x30, [sp, #-48]!\n.cfi_def_cfa_offset 48\n" \
                       ".cfi_offset 29, -48\n.cfi_offset 30, -40\n"          \
                       "mov x29, sp\n"                                       \
                       "stp x0, x1, [sp, #16]\n"                             \
                       "str x2, [sp, #32]\n"                                 \
                       "mov x2, x30\n"                                       \
                       "bl " before "\n"                                     \
                       "mov x16, x0\n"                                       \
                       "ldp x0, x1, [sp, #16]\n"                             \
                       "ldr x2, [sp, #32]\n"                                 \
                       "ldp x29, x30, [sp], #48\n.cfi_def_cfa_offset 0\n"    \
                       ".cfi_restore 29\n.cfi_restore 30\n"                  \
                       "cbz x16, 1f\n"                                       \
                       "mov x0, x16\n"                                       \
                       "ret\n"                                               \
                       "1: adrp x16, " real "\n"                             \
                       "ldr x16, [x16, #:lo12:" real "]\n"                   \
                       "br x16\n" END(name))
#else
#define TRAMPOLINE(name, before, real) /* nothing is patched on other machines */ \
    asm(FUNCTION(name) END(name))
#endif

TRAMPOLINE("mp_patch_dlopen", "mp_patch_before_dlopen", "mp_patch_real_dlopen");
TRAMPOLINE("mp_patch_dlmopen", "mp_patch_before_dlopen", "mp_patch_real_dlmopen");
TRAMPOLINE("mp_patch_dlsym", "mp_patch_before_dlsym", "mp_patch_real_dlsym");

void *mp_patch_before_dlopen(const void *first, const void *second, const void *caller)
{
    (void)first, (void)second, (void)caller;
    mp_native_state |= MP_NATIVE_LOOKS;
    return NULL;
}

/* The loader is asked for us what it would tell the caller, who may mean another allocator. The
   default scope is taken to be the same for both. */
static bool is_original(const struct mp_patch *patch, void *handle, const void *caller)
{
    if (handle == RTLD_NEXT)
        return mp_patch_is_next(patch, caller);
    return dlsym(handle, patch->name) == *patch->original;
}

void *mp_patch_before_dlsym(void *handle, const char *name, const void *caller)
{
    int kept = errno;
    mp_patch_refresh();
    const struct mp_patch *patch = name ? mp_patch_find(name) : NULL;
    bool is_ours = patch && *patch->original && is_original(patch, handle, caller);
    errno = kept;
    return is_ours ? patch->replacement : NULL;
}
