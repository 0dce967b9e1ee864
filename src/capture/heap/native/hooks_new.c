#include "capture/heap/native/hooks_new.h"

#include "capture/heap/native/begin.h"
#include "capture/heap/native/sink.h"

/* By their mangled names: w is one object, a an array; m its size, St11align_val_t its alignment,
   RKSt9nothrow_t the way that gives NULL. The others throw. */
#define NAMES(kind)                                               \
    static void *(*real_n##kind)(size_t);                         \
    static void *(*real_n##kind##_nothrow)(size_t, const void *); \
    static void *(*real_n##kind##_aligned)(size_t, size_t);       \
    static void *(*real_n##kind##_aligned_nothrow)(size_t, size_t, const void *);

NAMES(w)
NAMES(a)

/* For the ways that give NULL: std::nothrow, whose address is all they take. */
static const char nothrow;

static inline void *reported(void *address, size_t size)
{
    if (address)
        mp_native_sink.alloc(address, size);
    mp_native_end();
    return address;
}

/* An exception would pass the end of a call that was begun, and the thread would never be followed
   again. So those that throw are asked in the way that gives NULL, and where it does the program
   has its exception, or its new handler, from a call that we do not follow. */
#define HOOKS(kind)                                                                        \
    static void *hook_n##kind(size_t size)                                                 \
    {                                                                                      \
        if (real_n##kind##_nothrow && mp_native_begin()) {                                 \
            void *address = reported(real_n##kind##_nothrow(size, &nothrow), size);        \
            if (address)                                                                   \
                return address;                                                            \
        }                                                                                  \
        return real_n##kind(size);                                                         \
    }                                                                                      \
    static void *hook_n##kind##_nothrow(size_t size, const void *how)                      \
    {                                                                                      \
        if (!mp_native_begin())                                                            \
            return real_n##kind##_nothrow(size, how);                                      \
        return reported(real_n##kind##_nothrow(size, how), size);                          \
    }                                                                                      \
    static void *hook_n##kind##_aligned(size_t size, size_t alignment)                     \
    {                                                                                      \
        if (real_n##kind##_aligned_nothrow && mp_native_begin()) {                         \
            void *address =                                                                \
                reported(real_n##kind##_aligned_nothrow(size, alignment, &nothrow), size); \
            if (address)                                                                   \
                return address;                                                            \
        }                                                                                  \
        return real_n##kind##_aligned(size, alignment);                                    \
    }                                                                                      \
    static void *hook_n##kind##_aligned_nothrow(size_t size, size_t alignment,             \
                                                const void *how)                           \
    {                                                                                      \
        if (!mp_native_begin())                                                            \
            return real_n##kind##_aligned_nothrow(size, alignment, how);                   \
        return reported(real_n##kind##_aligned_nothrow(size, alignment, how), size);       \
    }

HOOKS(w)
HOOKS(a)

/* Every delete has the address first; what is behind it only goes on. Reported first: then another
   thread may own the address. */
#define DELETE(name)                                                    \
    static void (*real_##name)(void *, size_t, size_t);                 \
    static void hook_##name(void *address, size_t second, size_t third) \
    {                                                                   \
        bool begun = address && mp_native_begin();                      \
        bool tells = begun && mp_native_sink.free(address);             \
        real_##name(address, second, third);                            \
        if (tells)                                                      \
            mp_native_sink.freed();                                     \
        if (begun)                                                      \
            mp_native_end();                                            \
    }

#define DELETES(kind)               \
    DELETE(d##kind)                 \
    DELETE(d##kind##_sized)         \
    DELETE(d##kind##_nothrow)       \
    DELETE(d##kind##_aligned)       \
    DELETE(d##kind##_sized_aligned) \
    DELETE(d##kind##_aligned_nothrow)

DELETES(l)
DELETES(a)

#define HOOK(symbol, name)                                                        \
    {                                                                             \
        symbol, (void *)hook_##name, (void **)&real_##name, .is_allocators = true \
    }

const struct mp_patch mp_native_new[MP_NATIVE_NEW] = {
    HOOK("_Znwm", nw),
    HOOK("_ZnwmRKSt9nothrow_t", nw_nothrow),
    HOOK("_ZnwmSt11align_val_t", nw_aligned),
    HOOK("_ZnwmSt11align_val_tRKSt9nothrow_t", nw_aligned_nothrow),
    HOOK("_Znam", na),
    HOOK("_ZnamRKSt9nothrow_t", na_nothrow),
    HOOK("_ZnamSt11align_val_t", na_aligned),
    HOOK("_ZnamSt11align_val_tRKSt9nothrow_t", na_aligned_nothrow),
    HOOK("_ZdlPv", dl),
    HOOK("_ZdlPvm", dl_sized),
    HOOK("_ZdlPvRKSt9nothrow_t", dl_nothrow),
    HOOK("_ZdlPvSt11align_val_t", dl_aligned),
    HOOK("_ZdlPvmSt11align_val_t", dl_sized_aligned),
    HOOK("_ZdlPvSt11align_val_tRKSt9nothrow_t", dl_aligned_nothrow),
    HOOK("_ZdaPv", da),
    HOOK("_ZdaPvm", da_sized),
    HOOK("_ZdaPvRKSt9nothrow_t", da_nothrow),
    HOOK("_ZdaPvSt11align_val_t", da_aligned),
    HOOK("_ZdaPvmSt11align_val_t", da_sized_aligned),
    HOOK("_ZdaPvSt11align_val_tRKSt9nothrow_t", da_aligned_nothrow),
};
