#include "capture/attach/machine.h"

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum {
    RED_ZONE = 128,
    LINE = 64,
    FRAME = 320, /* bytes from one to the next: a return address and a context */
    DIRECTION = 0x400,
    MAGIC1 = 0x46505853,
    MAGIC2 = 0x46505845,
    LEGACY = 512, /* bytes of the state that every processor has, */
    HEAD = 64,    /* then which others follow */
    TOLD = 464,   /* where the kernel is told what follows */
    COMPONENTS = 63,
    USES_FP = 1,
    KEEPS_STACK_SEGMENT = 2 | 4,
    NO_SUCH_STACK = 0x7f, /* not a mode of sigaltstack(2): the thread keeps what it has */
    CARRY_ON = 4,         /* EINTR */
    RESTART_LEAST = 512,  /* ERESTARTSYS to ERESTART_RESTARTBLOCK: never seen by programs */
    RESTART_BLOCK = 516
};

/* As the kernel has them. */
struct context {
    uint64_t flags, link;
    uint64_t stack;
    uint32_t stack_mode, unused;
    uint64_t stack_size;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t di, si, bp, bx, dx, ax, cx, sp, ip, eflags;
    uint16_t cs, gs, fs, ss;
    uint64_t error, trap, old_mask, cr2;
    uint64_t extended; /* address of the floating point and vector registers */
    uint64_t reserved[8];
    uint64_t mask;
};

struct told {
    uint32_t magic, whole;
    uint64_t components;
    uint32_t size, unused[7];
};

int mp_machine_read(struct mp_stopped *stopped, pid_t tid)
{
    struct iovec extended = {stopped->extended, sizeof stopped->extended};
    stopped->tid = tid;
    if (ptrace(PTRACE_GETREGS, tid, 0, &stopped->registers) ||
        ptrace(PTRACE_GETREGSET, tid, NT_X86_XSTATE, &extended) ||
        ptrace(PTRACE_GETSIGMASK, tid, sizeof stopped->mask, &stopped->mask))
        return -1;
    stopped->extended_size = extended.iov_len;
    if (extended.iov_len < LEGACY + HEAD) {
        errno = ENOTSUP;
        return -1;
    }
    return 0;
}

static bool is_restarted(const struct user_regs_struct *registers)
{
    long result = (long)registers->rax;
    return (long)registers->orig_rax >= 0 && result <= -RESTART_LEAST &&
           result >= -RESTART_BLOCK;
}

void mp_machine_blocked(const struct mp_stopped *stopped, int mem,
                        struct mp_blocked *blocked)
{
    const struct user_regs_struct *registers = &stopped->registers;
    bool ends = (long)registers->orig_rax >= 0 && (long)registers->rax == -CARRY_ON;
    (void)mem;
    *blocked = (struct mp_blocked){
        .number = is_restarted(registers) || ends ? (long)registers->orig_rax : -1,
        .arguments = {registers->rdi, registers->rsi, registers->rdx, registers->r10,
                      registers->r8, registers->r9}};
}

uint64_t mp_machine_stack(const struct mp_stopped *stopped)
{
    return stopped->registers.rsp;
}

uint64_t mp_machine_at(const struct mp_stopped *stopped)
{
    return stopped->registers.rip;
}

/* Any other way into the kernel leaves a negative number there. */
long mp_machine_returns(const struct mp_stopped *stopped)
{
    return (long)stopped->registers.orig_rax;
}

/* mov $15, %rax (or %eax); syscall */
size_t mp_machine_find_restorer(const unsigned char *code, size_t length)
{
    static const unsigned char wide[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05},
                               narrow[] = {0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05};
    const unsigned char *found = memmem(code, length, wide, sizeof wide);
    if (!found)
        found = memmem(code, length, narrow, sizeof narrow);
    return found ? (size_t)(found - code) : length;
}

/* The registers as they would be had the thread not been stopped. */
static struct user_regs_struct resumed(const struct mp_stopped *stopped)
{
    struct user_regs_struct registers = stopped->registers;
    if (is_restarted(&registers)) {
        registers.rax = registers.orig_rax;
        registers.rip -= 2;
    }
    registers.orig_rax = (uint64_t)-1;
    return registers;
}

static struct user_regs_struct calling(const struct mp_stopped *stopped, uint64_t frame,
                                       const struct mp_machine_call *call)
{
    struct user_regs_struct registers = stopped->registers;
    registers.rip = call->function;
    registers.rsp = frame;
    registers.rdi = call->arguments[0];
    registers.rsi = call->arguments[1];
    registers.rdx = call->arguments[2];
    registers.rcx = call->arguments[3];
    registers.r8 = call->arguments[4];
    registers.r9 = call->arguments[5];
    registers.rax = 0;
    registers.orig_rax = (uint64_t)-1;
    registers.eflags &= ~(uint64_t)DIRECTION;
    return registers;
}

static void put_context(struct context *to, const struct user_regs_struct *from,
                        uint64_t extended, uint64_t mask)
{
    *to = (struct context){.flags = USES_FP | KEEPS_STACK_SEGMENT,
                           .stack_mode = NO_SUCH_STACK,
                           .r8 = from->r8,
                           .r9 = from->r9,
                           .r10 = from->r10,
                           .r11 = from->r11,
                           .r12 = from->r12,
                           .r13 = from->r13,
                           .r14 = from->r14,
                           .r15 = from->r15,
                           .di = from->rdi,
                           .si = from->rsi,
                           .bp = from->rbp,
                           .bx = from->rbx,
                           .dx = from->rdx,
                           .ax = from->rax,
                           .cx = from->rcx,
                           .sp = from->rsp,
                           .ip = from->rip,
                           .eflags = from->eflags,
                           .cs = (uint16_t)from->cs,
                           .ss = (uint16_t)from->ss,
                           .extended = extended,
                           .mask = mask};
}

/* Bytes of the state as far as it is in use: what is not, begins anew as it was. */
static size_t extended_size(const struct mp_stopped *stopped, uint64_t *components)
{
    uint64_t used;
    memcpy(&used, stopped->extended + LEGACY, sizeof used);
    size_t size = LEGACY + HEAD;
    for (unsigned i = 2; i < COMPONENTS; i++) {
        unsigned length, offset, c, d;
        if (!(used >> i & 1))
            continue;
        __cpuid_count(0xd, i, length, offset, c, d);
        if (offset + length > size)
            size = offset + length;
    }
    *components = used | 3;
    return size;
}

static void put_extended(unsigned char *to, const struct mp_stopped *stopped, size_t size,
                         uint64_t components)
{
    struct told told = {.magic = MAGIC1,
                        .whole = (uint32_t)size + sizeof(uint32_t),
                        .components = components,
                        .size = (uint32_t)size};
    uint32_t end = MAGIC2;
    memcpy(to, stopped->extended, size);
    memcpy(to + TOLD, &told, sizeof told);
    memcpy(to + size, &end, sizeof end);
}

static uint64_t bit(int signal)
{
    return (uint64_t)1 << (signal - 1);
}

/* While it does what we ask, other signals wait: a handler that raises would do so in the middle of
   it. Those of faults do not: the recorder has use for one. */
static uint64_t mask_within(uint64_t mask)
{
    return mask | ~(bit(SIGSEGV) | bit(SIGBUS) | bit(SIGFPE) | bit(SIGILL) | bit(SIGTRAP) |
                    bit(SIGABRT) | bit(SIGSYS));
}

int mp_machine_plan(struct mp_machine_plan *plan, const struct mp_stopped *stopped,
                    const struct mp_machine_call *calls, size_t count, const char *text,
                    uint64_t restorer)
{
    uint64_t components, mask = mask_within(stopped->mask);
    size_t length = strlen(text) + 1, size = extended_size(stopped, &components);
    uint64_t top = (stopped->registers.rsp - RED_ZONE) & ~(uint64_t)(LINE - 1);
    *plan = (struct mp_machine_plan){0};
    if (size > stopped->extended_size || count > MP_MACHINE_CALLS) {
        errno = ENOTSUP;
        return -1;
    }
    plan->text = (top - length) & ~(uint64_t)(LINE - 1);
    uint64_t extended = (plan->text - size - sizeof(uint32_t)) & ~(uint64_t)(LINE - 1);
    plan->at = extended - count * FRAME - LINE;
    plan->size = top - plan->at;
    plan->bytes = calloc(1, plan->size);
    if (!plan->bytes)
        return -1;
    memcpy(plan->bytes + (plan->text - plan->at), text, length);
    put_extended(plan->bytes + (extended - plan->at), stopped, size, components);
    struct user_regs_struct next = resumed(stopped);
    for (size_t i = count; i-- > 0;) {
        /* A function is entered with its return address 8 bytes behind a multiple of 16. */
        uint64_t frame = extended - (count - i) * FRAME - 8;
        struct mp_machine_call call = calls[i];
        struct context context;
        for (int k = 0; k < MP_MACHINE_ARGUMENTS; k++)
            if (call.arguments[k] == MP_MACHINE_TEXT)
                call.arguments[k] = plan->text;
        put_context(&context, &next, extended, i + 1 == count ? stopped->mask : mask);
        memcpy(plan->bytes + (frame - plan->at), &restorer, sizeof restorer);
        memcpy(plan->bytes + (frame + 8 - plan->at), &context, sizeof context);
        plan->frames[i] = frame;
        next = calling(stopped, frame, &call);
    }
    plan->begin = next;
    plan->mask = mask;
    return 0;
}

void mp_machine_plan_release(struct mp_machine_plan *plan)
{
    free(plan->bytes);
    plan->bytes = NULL;
}

int mp_machine_begin(const struct mp_stopped *stopped, const struct mp_machine_plan *plan)
{
    if (ptrace(PTRACE_SETREGS, stopped->tid, 0, &plan->begin))
        return -1;
    ptrace(PTRACE_SETSIGMASK, stopped->tid, sizeof plan->mask, &plan->mask);
    return 0;
}

bool mp_machine_is_guarded(const char *features)
{
    return strstr(features, "shstk");
}
