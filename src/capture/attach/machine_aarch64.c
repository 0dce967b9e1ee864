/* Reviewed and cross-compiled, not run: no emulator of user programs has ptrace(2). */
#include "capture/attach/machine.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "capture/attach/symbols.h"

#ifndef NT_ARM_SVE
#define NT_ARM_SVE 0x405
#endif
#ifndef NT_ARM_ZA
#define NT_ARM_ZA 0x40c
#endif

enum {
    LINE = 16,
    LINK = 30, /* the register with the return address */
    CALL_NUMBER = 8,
    FP_MAGIC = 0x46508001,
    IN_USE = 1, /* of the scalable vectors: more than what we save */
    NO_SUCH_STACK = 0x7f,
    CARRY_ON = 4 /* EINTR */
};
static const uint32_t supervisor_call = 0xd4000001;

/* As the kernel has them. */
struct floating {
    uint32_t magic, size, status, control;
    unsigned char vectors[512];
};

struct __attribute__((aligned(16))) machine_context {
    uint64_t fault, registers[31], stack, at, state;
    struct __attribute__((aligned(16))) {
        struct floating floating;
        uint32_t end_magic, end_size;
        unsigned char unused[4096 - sizeof(struct floating) - 8];
    } records;
};

struct context {
    uint64_t flags, link;
    uint64_t stack;
    uint32_t stack_mode, unused;
    uint64_t stack_size;
    uint64_t mask;
    unsigned char reserved[120];
    struct machine_context machine;
};

struct frame {
    unsigned char information[128];
    struct context context;
};

/* What the kernel gives of the vectors. */
struct vectors {
    unsigned char vectors[512];
    uint32_t status, control;
};

struct scalable {
    uint32_t size, most;
    uint16_t length, longest, flags, reserved;
};

/* Vectors longer than 128 bits, or a matrix, that hold something: a frame of ours would lose it. In a
   system call there are none. */
static bool has_more(pid_t tid)
{
    unsigned char bytes[MP_MACHINE_EXTENDED];
    struct iovec room = {bytes, sizeof bytes};
    struct scalable head;
    bool more = false;
    if (!ptrace(PTRACE_GETREGSET, tid, NT_ARM_SVE, &room) && room.iov_len >= sizeof head) {
        memcpy(&head, bytes, sizeof head);
        more = head.flags & IN_USE;
    }
    room = (struct iovec){bytes, sizeof bytes};
    if (!ptrace(PTRACE_GETREGSET, tid, NT_ARM_ZA, &room) && room.iov_len >= sizeof head) {
        memcpy(&head, bytes, sizeof head);
        more |= head.size > sizeof head;
    }
    return more;
}

int mp_machine_read(struct mp_stopped *stopped, pid_t tid)
{
    struct iovec registers = {&stopped->registers, sizeof stopped->registers};
    struct iovec vectors = {stopped->extended, sizeof stopped->extended};
    stopped->tid = tid;
    if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &registers) ||
        ptrace(PTRACE_GETREGSET, tid, NT_FPREGSET, &vectors) ||
        ptrace(PTRACE_GETSIGMASK, tid, sizeof stopped->mask, &stopped->mask))
        return -1;
    stopped->extended_size = vectors.iov_len;
    if (vectors.iov_len < sizeof(struct vectors) || has_more(tid)) {
        errno = ENOTSUP;
        return -1;
    }
    return 0;
}

static bool is_supervisor_call(int mem, uint64_t at)
{
    uint32_t instruction;
    return mp_memory_read(mem, at, &instruction, sizeof instruction) &&
           instruction == supervisor_call;
}

/* A call that is to be done again has its instruction before it, as the kernel has put it; one that ended
   with EINTR behind it. */
void mp_machine_blocked(const struct mp_stopped *stopped, int mem,
                        struct mp_blocked *blocked)
{
    const struct user_regs_struct *registers = &stopped->registers;
    bool ends = (long long)registers->regs[0] == -CARRY_ON &&
                is_supervisor_call(mem, registers->pc - 4);
    *blocked = (struct mp_blocked){.number = -1};
    if (ends || is_supervisor_call(mem, registers->pc))
        blocked->number = (long)registers->regs[CALL_NUMBER];
    for (int i = 0; i < MP_MACHINE_ARGUMENTS; i++)
        blocked->arguments[i] = registers->regs[i];
}

uint64_t mp_machine_stack(const struct mp_stopped *stopped)
{
    return stopped->registers.sp;
}

uint64_t mp_machine_at(const struct mp_stopped *stopped)
{
    return stopped->registers.pc;
}

long mp_machine_returns(const struct mp_stopped *stopped)
{
    (void)stopped;
    return -1;
}

/* mov x8, #139; svc #0 */
size_t mp_machine_find_restorer(const unsigned char *code, size_t length)
{
    static const unsigned char bytes[] = {0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4};
    const unsigned char *found = memmem(code, length, bytes, sizeof bytes);
    return found ? (size_t)(found - code) : length;
}

static void put_frame(struct frame *to, const struct user_regs_struct *from,
                      const struct mp_stopped *stopped, uint64_t mask)
{
    struct vectors vectors;
    struct machine_context *machine = &to->context.machine;
    struct floating *floating = &machine->records.floating;
    memcpy(&vectors, stopped->extended, sizeof vectors);
    memset(to, 0, sizeof *to);
    to->context.stack_mode = NO_SUCH_STACK;
    to->context.mask = mask;
    memcpy(machine->registers, from->regs, sizeof machine->registers);
    machine->stack = from->sp;
    machine->at = from->pc;
    machine->state = from->pstate;
    *floating = (struct floating){.magic = FP_MAGIC,
                                  .size = sizeof *floating,
                                  .status = vectors.status,
                                  .control = vectors.control};
    memcpy(floating->vectors, vectors.vectors, sizeof floating->vectors);
}

static uint64_t bit(int signal)
{
    return (uint64_t)1 << (signal - 1);
}

/* As on other machines. */
static uint64_t mask_within(uint64_t mask)
{
    return mask | ~(bit(SIGSEGV) | bit(SIGBUS) | bit(SIGFPE) | bit(SIGILL) | bit(SIGTRAP) |
                    bit(SIGABRT) | bit(SIGSYS));
}

int mp_machine_plan(struct mp_machine_plan *plan, const struct mp_stopped *stopped,
                    const struct mp_machine_call *calls, size_t count, const char *text,
                    uint64_t restorer)
{
    size_t length = strlen(text) + 1;
    uint64_t top = stopped->registers.sp & ~(uint64_t)(LINE - 1);
    *plan = (struct mp_machine_plan){.mask = mask_within(stopped->mask)};
    if (count > MP_MACHINE_CALLS) {
        errno = ENOTSUP;
        return -1;
    }
    plan->text = (top - length) & ~(uint64_t)(LINE - 1);
    plan->at = plan->text - count * sizeof(struct frame);
    plan->size = top - plan->at;
    plan->bytes = calloc(1, plan->size);
    if (!plan->bytes)
        return -1;
    memcpy(plan->bytes + (plan->text - plan->at), text, length);
    struct user_regs_struct next = stopped->registers;
    for (size_t i = count; i-- > 0;) {
        struct frame frame;
        plan->frames[i] = plan->text - (count - i) * sizeof frame;
        put_frame(&frame, &next, stopped, i + 1 == count ? stopped->mask : plan->mask);
        memcpy(plan->bytes + (plan->frames[i] - plan->at), &frame, sizeof frame);
        next = stopped->registers;
        for (int k = 0; k < MP_MACHINE_ARGUMENTS; k++)
            next.regs[k] = calls[i].arguments[k] == MP_MACHINE_TEXT ? plan->text
                                                                    : calls[i].arguments[k];
        next.regs[LINK] = restorer;
        next.sp = plan->frames[i];
        next.pc = calls[i].function;
    }
    plan->begin = next;
    return 0;
}

void mp_machine_plan_release(struct mp_machine_plan *plan)
{
    free(plan->bytes);
    plan->bytes = NULL;
}

int mp_machine_begin(const struct mp_stopped *stopped, const struct mp_machine_plan *plan)
{
    struct user_regs_struct registers = plan->begin;
    struct iovec room = {&registers, sizeof registers};
    if (ptrace(PTRACE_SETREGSET, stopped->tid, NT_PRSTATUS, &room))
        return -1;
    ptrace(PTRACE_SETSIGMASK, stopped->tid, sizeof plan->mask, &plan->mask);
    return 0;
}

bool mp_machine_is_guarded(const char *features)
{
    (void)features; /* told by no file of /proc here */
    return false;
}
