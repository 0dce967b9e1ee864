#include "capture/attach/inject.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hex.h"
#include "capture/attach/machine.h"
#include "capture/attach/steps.h"
#include "capture/attach/symbols.h"
#include "capture/attach/threads.h"
#include "record/attach_request.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

enum {
    LONGEST_TEXT = MP_INJECTION_PAGE,
    ALL_WITHIN = 5, /* s for all that is tried */
    PLACES = 400,   /* how often a thread is let go on to be in a better one */
    PAUSE = 50000,  /* ns */
    GAP = 1 << 16
};

/* ns for a thread to stop: longer takes one in a driver that does not answer, or a very busy machine. */
static const int64_t stop_within = 2000000000;

static void pause_for(int64_t nanoseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = nanoseconds}, NULL);
}

/* The file's name as its bytes, whatever is in it. The text is short, since what the parser takes for it is
   charged to the line where the thread waits; the rest is compiled by code that reports know by the name <mprof>. */
static bool put_text(char text[LONGEST_TEXT], const char *file, uint64_t page)
{
    size_t used = 0;
    FILE *out = fmemopen(text, LONGEST_TEXT, "w");
    if (!out)
        return false;
    fputs(
        "try: (lambda b: b.exec(b.compile('with open(file, \"rb\") as f: f = f.read()\\nexec(compile"
        "(f, \"<mprof>\", \"exec\"))', '<mprof>', 'exec'), {'__builtins__': b, '__name__': "
        "'<mprof>', 'file': b.bytes." MP_ASKED_FILE,
        out);
    mp_hex_put(out, file);
    fprintf(out,
            "'), " MP_ASKED_PAGE "%" PRIu64 "}))(__import__('builtins'))\n"
            "except BaseException: pass\n",
            page);
    fputc(0, out);
    fflush(out);
    used = (size_t)ftell(out);
    bool whole = !ferror(out) && used < LONGEST_TEXT;
    fclose(out);
    return whole && memchr(text, 0, LONGEST_TEXT);
}

/* Stopped threads are waited for by their tracer alone; a signal that comes first goes on to it. */
static enum mp_injection_problem wait_until_stopped(pid_t tid)
{
    int64_t until = mp_clock_ns() + stop_within;
    for (;;) {
        int status;
        pid_t got = waitpid(tid, &status, __WALL | WNOHANG);
        if (got < 0 && errno != EINTR)
            return MP_INJECTION_GONE;
        if (got == tid && !WIFSTOPPED(status))
            return MP_INJECTION_GONE;
        if (got == tid && status >> 16 == PTRACE_EVENT_STOP)
            return WSTOPSIG(status) == SIGTRAP ? MP_INJECTION_OK : MP_INJECTION_NO_THREAD;
        if (got == tid)
            ptrace(PTRACE_CONT, tid, 0, (long)WSTOPSIG(status));
        else if (mp_clock_ns() > until)
            return MP_INJECTION_NO_THREAD;
        else
            pause_for(PAUSE);
    }
}

static enum mp_injection_problem stop(pid_t tid)
{
    if (ptrace(PTRACE_SEIZE, tid, 0, 0)) {
        if (errno == ESRCH)
            return MP_INJECTION_GONE;
        return errno == EPERM || errno == EACCES ? MP_INJECTION_FORBIDDEN
                                                 : MP_INJECTION_SYSTEM;
    }
    mp_step(MP_STEP_SEIZED);
    if (ptrace(PTRACE_INTERRUPT, tid, 0, 0))
        return MP_INJECTION_GONE;
    mp_step(MP_STEP_INTERRUPTED);
    return wait_until_stopped(tid);
}

/* Py_AddPendingCall takes a lock, for an instant, that this very thread may have: then it is in that
   function, or in the C library for it. */
static bool is_in_a_bad_place(const struct mp_target *target,
                              const struct mp_stopped *stopped,
                              const struct mp_blocked *blocked)
{
    enum { FUNCTION = 1 << 10 };
    const struct mp_python *python = &target->python;
    uint64_t at = mp_machine_at(stopped);
    long returns = mp_machine_returns(stopped);
    if (blocked->number >= 0 || (returns >= 0 && returns != SYS_futex))
        return false; /* a lock makes no other call */
    const struct mp_mapping *here = mp_mappings_at(&target->mappings, at),
                            *libc = mp_mappings_at(&target->mappings, python->copy);
    return (at >= python->add_pending && at < python->add_pending + FUNCTION) ||
           (here && here == libc);
}

static bool lay_direct(const struct mp_target *target, const struct mp_stopped *stopped,
                       const char *file, struct mp_machine_plan *plan)
{
    const struct mp_python *python = &target->python;
    char text[LONGEST_TEXT];
    enum {
        UNLOCKED = 1
    }; /* PyGILState_UNLOCKED: what Ensure finds, of a thread without the lock */
    const struct mp_machine_call calls[] = {{python->ensure, {0}},
                                            {python->run, {MP_MACHINE_TEXT}},
                                            {python->release, {UNLOCKED}}};
    return put_text(text, file, 0) &&
           !mp_machine_plan(plan, stopped, calls, sizeof calls / sizeof *calls, text,
                            python->restorer);
}

/* The text is to be there until the main thread runs it, so it has a page of its own. */
static bool lay_pending(const struct mp_target *target, const struct mp_stopped *stopped,
                        const char *file, struct mp_machine_plan *plan)
{
    const struct mp_python *python = &target->python;
    char text[LONGEST_TEXT];
    uint64_t page = mp_mappings_gap(&target->mappings, GAP);
    const struct mp_machine_call calls[] = {
        {python->map,
         {page, MP_INJECTION_PAGE, PROT_READ | PROT_WRITE,
          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, (uint64_t)-2, 0}},
        {python->copy, {page, MP_MACHINE_TEXT, 0, LONGEST_TEXT}},
        {python->add_pending, {python->run, page}}};
    return page && put_text(text, file, page) &&
           !mp_machine_plan(plan, stopped, calls, sizeof calls / sizeof *calls, text,
                            python->restorer);
}

static bool carry_out(const struct mp_target *target, const struct mp_stopped *stopped,
                      const struct mp_machine_plan *plan)
{
    const struct mp_mapping *stack = mp_mappings_at(&target->mappings, plan->at);
    if (!stack || !stack->writable)
        stack = NULL;
    mp_step(MP_STEP_PLANNED);
    /* A stack that has yet to grow so far cannot be written to from outside. */
    if (!stack || pwrite(target->mem, plan->bytes, plan->size, (off_t)plan->at) !=
                      (ssize_t)plan->size)
        return false;
    mp_step(MP_STEP_LAID);
    if (mp_machine_begin(stopped, plan))
        return false;
    mp_step(MP_STEP_BEGUN);
    return true;
}

/* Of a thread that is stopped. `only_direct`: in no other way. */
static enum mp_injection_problem inject(struct mp_target *target, pid_t tid,
                                        bool only_direct, const char *file,
                                        struct mp_injection *injection)
{
    struct mp_stopped *stopped = malloc(sizeof *stopped);
    struct mp_machine_plan plan = {0};
    struct mp_blocked blocked;
    enum mp_injection_problem problem = MP_INJECTION_NO_THREAD;
    if (!stopped || mp_machine_read(stopped, tid)) {
        free(stopped);
        return errno == ESRCH ? MP_INJECTION_GONE : MP_INJECTION_SYSTEM;
    }
    if (mp_target_line(target->proc, "status", "Tgid:", (char[32]){0}, 32)) {
        mp_machine_blocked(stopped, target->mem, &blocked);
        bool direct = mp_thread_waits(target, mp_thread_native_id(target, tid), &blocked,
                                      mp_machine_stack(stopped));
        injection->way = direct ? MP_INJECTION_DIRECT : MP_INJECTION_PENDING;
        bool laid = direct
                        ? lay_direct(target, stopped, file, &plan)
                        : !only_direct && !is_in_a_bad_place(target, stopped, &blocked) &&
                              lay_pending(target, stopped, file, &plan);
        if (laid && carry_out(target, stopped, &plan))
            problem = MP_INJECTION_OK;
    }
    mp_machine_plan_release(&plan);
    free(stopped);
    return problem;
}

static enum mp_injection_problem try_thread(struct mp_target *target, pid_t tid,
                                            bool only_direct, const char *file,
                                            struct mp_injection *injection)
{
    enum mp_injection_problem problem = MP_INJECTION_NO_THREAD;
    for (int i = 0; i < PLACES && problem == MP_INJECTION_NO_THREAD; i++) {
        problem = stop(tid);
        if (problem)
            return problem; /* a thread that is not stopped stays seized: this process ends */
        int64_t from = mp_clock_ns();
        problem = inject(target, tid, only_direct, file, injection);
        ptrace(PTRACE_DETACH, tid, 0, 0);
        injection->stopped = mp_clock_ns() - from;
        injection->tid = tid;
        mp_step(MP_STEP_LET_GO);
        if (only_direct)
            break;
        if (problem == MP_INJECTION_NO_THREAD)
            pause_for(PAUSE);
    }
    return problem;
}

static bool ask(const struct mp_target *target, const char *file)
{
    char name[LONGEST_TEXT];
    snprintf(name, sizeof name, "%s" MP_INJECTION_REMOTE_NAME, file);
    return mp_python_ask(&target->python, name);
}

void mp_inject_no_more(const struct mp_target *target, const char *file)
{
    char name[LONGEST_TEXT];
    snprintf(name, sizeof name, "%s" MP_INJECTION_REMOTE_NAME, file);
    mp_python_ask_no_more(&target->python, name);
}

static enum mp_injection_problem try_all(struct mp_target *target, const char *file,
                                         struct mp_injection *injection)
{
    struct mp_threads threads;
    enum mp_injection_problem problem = MP_INJECTION_NO_THREAD;
    if (mp_threads_list(&threads, target))
        problem = MP_INJECTION_SYSTEM;
    for (size_t i = 0; i < threads.count && problem; i++) {
        enum mp_thread_rank rank = threads.items[i].rank;
        if (rank > MP_THREAD_WAITS && ask(target, file)) {
            injection->way = MP_INJECTION_REMOTE;
            problem = MP_INJECTION_OK;
            break;
        }
        problem = try_thread(target, threads.items[i].tid, rank <= MP_THREAD_WAITS, file,
                             injection);
        if (problem == MP_INJECTION_FORBIDDEN || problem == MP_INJECTION_SYSTEM)
            break;
        if (problem && rank == MP_THREAD_MAIN_WAITS && threads.count > 0)
            threads.items[i--].rank = MP_THREAD_MAIN; /* it goes on: again, in either way */
    }
    mp_threads_release(&threads);
    if (problem == MP_INJECTION_GONE && !mp_target_look_again(target))
        problem = MP_INJECTION_NO_THREAD; /* threads of it ended, not the process */
    return problem;
}

struct answer {
    enum mp_injection_problem problem;
    int error;
    struct mp_injection injection;
};

/* A process of its own, which may be killed: whatever it has seized is free then. */
static enum mp_injection_problem in_child(struct mp_target *target, pid_t tid,
                                          bool only_direct, const char *file,
                                          struct mp_injection *injection)
{
    int ends[2], status;
    struct answer answer = {.problem = MP_INJECTION_NO_THREAD};
    if (pipe(ends))
        return MP_INJECTION_SYSTEM;
    pid_t child = fork();
    if (!child) {
        close(ends[0]);
        signal(SIGALRM, SIG_DFL);
        alarm(ALL_WITHIN);
        answer.problem = tid ? try_thread(target, tid, only_direct, file, &answer.injection)
                             : try_all(target, file, &answer.injection);
        answer.error = errno;
        _exit(write(ends[1], &answer, sizeof answer) != sizeof answer);
    }
    close(ends[1]);
    if (child < 0)
        answer = (struct answer){MP_INJECTION_SYSTEM, errno, {0}};
    else {
        ssize_t got;
        struct answer read_answer;
        while ((got = read(ends[0], &read_answer, sizeof read_answer)) < 0 &&
               errno == EINTR)
            ;
        if (got == sizeof read_answer)
            answer = read_answer;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[0]);
    *injection = answer.injection;
    errno = answer.error;
    return answer.problem;
}

enum mp_injection_problem mp_inject(struct mp_target *target, const char *file,
                                    struct mp_injection *injection)
{
    return in_child(target, 0, false, file, injection);
}

enum mp_injection_problem mp_inject_thread(struct mp_target *target, pid_t tid, bool direct,
                                           const char *file, struct mp_injection *injection)
{
    return in_child(target, tid, direct, file, injection);
}
