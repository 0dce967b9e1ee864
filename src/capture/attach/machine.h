/* The registers of a thread that is stopped, and the calls that it is made to do before it goes on as
 * it would have: each as a handler of a signal is called, so that it returns by itself to the next,
 * and the last one to where the thread was. Nothing outlives them but what they did.
 *
 *     its stack, downwards
 *     ┌──────────────┬──────────────┬──────────┬─────────────┬─── ... ───┬─────────────┐
 *     │ what it had  │ not touched  │ the text │ frame: goes │           │ frame: goes │ ◄─ first call
 *     │              │ (red zone)   │          │ on as it was│           │ to call 2   │    has this below
 *     └──────────────┴──────────────┴──────────┴─────────────┴─── ... ───┴─────────────┘
 *
 * A frame is what rt_sigreturn(2) takes all registers from. One file a machine.
 */
#ifndef MP_CAPTURE_ATTACH_MACHINE_H
#define MP_CAPTURE_ATTACH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#if defined(__aarch64__)
enum { MP_MACHINE_RESTORER_IN_VDSO = 1 };
#else
enum { MP_MACHINE_RESTORER_IN_VDSO = 0 };
#endif

enum { MP_MACHINE_ARGUMENTS = 6, MP_MACHINE_CALLS = 4, MP_MACHINE_EXTENDED = 16384 };

struct mp_stopped {
    pid_t tid;
    struct user_regs_struct registers;
    unsigned char extended[MP_MACHINE_EXTENDED]; /* floating point and vector registers */
    size_t extended_size;
    uint64_t mask; /* signals that it blocks */
};

/* What it was stopped in. */
struct mp_blocked {
    long number; /* of the system call that goes on when it does; -1: it ran its own code */
    uint64_t arguments[MP_MACHINE_ARGUMENTS];
};

struct mp_machine_call {
    uint64_t function, arguments[MP_MACHINE_ARGUMENTS];
};

/* Reads it all. 0, or -1 with errno. */
int mp_machine_read(struct mp_stopped *, pid_t tid);

void mp_machine_blocked(const struct mp_stopped *, int mem, struct mp_blocked *);
uint64_t mp_machine_stack(const struct mp_stopped *);
uint64_t mp_machine_at(const struct mp_stopped *); /* the instruction that is next */

/* The system call that it returns from; negative: none, or the machine does not say. */
long mp_machine_returns(const struct mp_stopped *);

/* Where handlers of signals return to, in a piece of code; `length`: it is not there. */
size_t mp_machine_find_restorer(const unsigned char *code, size_t length);

/* A copy of what the calls need on the stack, made before anything is touched. */
struct mp_machine_plan {
    uint64_t at; /* address of the lowest byte */
    size_t size;
    unsigned char *bytes; /* owned */
    uint64_t text;        /* where the text lies */
    uint64_t frames[MP_MACHINE_CALLS];
    struct user_regs_struct begin; /* the first call's */
    uint64_t mask;                 /* signals that are blocked meanwhile */
};

/* Lays the frames of so many calls, and the text, which ends with a NUL. An argument that is
   MP_MACHINE_TEXT becomes the text's address. 0, or -1 with errno (ENOTSUP: more registers than we know). */
int mp_machine_plan(struct mp_machine_plan *, const struct mp_stopped *,
                    const struct mp_machine_call *, size_t count, const char *text,
                    uint64_t restorer);
void mp_machine_plan_release(struct mp_machine_plan *);
#define MP_MACHINE_TEXT UINT64_MAX

/* Has the thread begin the first call, as soon as it is let go: one system call, and all is done. */
int mp_machine_begin(const struct mp_stopped *, const struct mp_machine_plan *);

/* Whether a shadow stack forbids it. `features`: of /proc/PID/status. */
bool mp_machine_is_guarded(const char *features);

#endif
