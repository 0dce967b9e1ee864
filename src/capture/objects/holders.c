#include "capture/objects/holders.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/objects/rows.h"
#include "capture/objects/sizes.h"

enum { LONGEST = 120 }; /* seconds of the processor: a type that goes round in circles */

static uint64_t size_of_node(const void *graph, uint32_t node)
{
    return mp_size_of(((const struct mp_graph *)graph)->objects[node]);
}

static int answer(struct mp_holders *holders, const struct mp_inquiry *inquiry,
                  const struct mp_graph *graph)
{
    enum { AS_GLOBALS = 3 }; /* a module, its dict, the value */
    const struct mp_reach_turn turns[] = {{graph->turns[MP_TURN_MODULES], 1},
                                          {graph->turns[MP_TURN_FRAMES], AS_GLOBALS},
                                          {graph->turns[MP_TURN_NATIVE], UINT32_MAX},
                                          {graph->turns[MP_TURN_SHARED], UINT32_MAX}};
    struct mp_dominators tree;
    struct mp_reach reach;
    if (mp_dominators_init(&tree, &graph->graph, size_of_node, graph))
        return -1;
    if (mp_reach_init(&reach, &graph->graph, turns, MP_ROOT_TURNS)) {
        mp_dominators_release(&tree);
        return -1;
    }
    const struct mp_answering answering = {holders, graph, &reach, &tree};
    int failed = 0;
    for (uint32_t i = 0; i < inquiry->count && !failed; i++)
        failed = mp_rows_add(&answering, &inquiry->questions[i], i);
    holders->retained = tree.retained[0];
    mp_reach_release(&reach);
    mp_dominators_release(&tree);
    return failed;
}

static void work(struct mp_holders *holders, const struct mp_inquiry *inquiry)
{
    struct mp_graph graph;
    if (mp_graph_init(&graph, inquiry->aside, inquiry->own)) {
        holders->end = MP_HOLDERS_NO_MEMORY;
        return;
    }
    holders->objects = graph.count - 1;
    holders->references = graph.edge_count;
    int failed = answer(holders, inquiry, &graph);
    mp_graph_release(&graph);
    holders->end = failed ? MP_HOLDERS_NO_MEMORY : MP_HOLDERS_DONE;
}

/* Or what another thread closes meanwhile stays open until the child ends: a pipe, a socket, a lock. */
static void close_all(void)
{
#ifdef SYS_close_range
    syscall(SYS_close_range, 0U, ~0U, 0U);
#endif
}

_Noreturn static void be_child(struct mp_holders *holders, const struct mp_inquiry *inquiry,
                               pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_DUMPABLE, 0);
    close_all();
    setrlimit(RLIMIT_CPU, &(struct rlimit){LONGEST, LONGEST});
    if (getppid() == parent)
        work(holders, inquiry);
    if (inquiry->looked)
        __atomic_store_n(inquiry->looked, inquiry->number, __ATOMIC_RELEASE);
    syscall(SYS_exit_group, 0);
    __builtin_unreachable();
}

struct cloning {
    struct mp_holders *holders;
    const struct mp_inquiry *inquiry;
    pid_t parent, child;
};

/* Its end is told to nobody, so that the program waits for no child that it has not made. */
static void clone_now(void *context)
{
    struct cloning *cloning = context;
    cloning->child = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
    if (!cloning->child)
        be_child(cloning->holders, cloning->inquiry, cloning->parent);
}

/* With all signals blocked: what breaks it kills it, handlers of the program's do not run. -1: none could be
   made. */
static pid_t make_child(struct mp_holders *holders, const struct mp_inquiry *inquiry)
{
    struct cloning cloning = {holders, inquiry, getpid(), -1};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (inquiry->still)
        inquiry->still(clone_now, &cloning);
    else
        clone_now(&cloning);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return cloning.child;
}

/* Ends when it ends, or is interrupted by what a handler of the program's raises. */
static void await(pid_t child, bool *interrupted)
{
    for (;;) {
        int ended;
        Py_BEGIN_ALLOW_THREADS;
        ended = waitpid(child, NULL, __WALL) == child || errno != EINTR;
        Py_END_ALLOW_THREADS;
        if (ended)
            return;
        if (interrupted && !*interrupted && PyErr_CheckSignals()) {
            *interrupted = true;
            kill(child, SIGKILL);
        }
    }
}

pid_t mp_holders_begin(struct mp_holders *holders, const struct mp_inquiry *inquiry)
{
    holders->apart = true;
    pid_t child = make_child(holders, inquiry);
    if (child > 0)
        return child;
    holders->apart = false;
    work(holders, inquiry);
    return 0;
}

bool mp_holders_is_over(pid_t child)
{
    siginfo_t info = {.si_pid = 0};
    int kept = errno;
    bool gone =
        waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0;
    errno = kept;
    return gone || info.si_pid == child;
}

int mp_holders_end(struct mp_holders *holders, pid_t child, bool *interrupted)
{
    if (interrupted)
        *interrupted = false;
    if (child)
        await(child, interrupted);
    errno = holders->end == MP_HOLDERS_NO_MEMORY ? ENOMEM : EFAULT;
    return holders->end == MP_HOLDERS_DONE ? 0 : -1;
}

int mp_holders_find(struct mp_holders *holders, const struct mp_inquiry *inquiry,
                    bool *interrupted)
{
    return mp_holders_end(holders, mp_holders_begin(holders, inquiry), interrupted);
}

struct mp_holders *mp_holders_new(void)
{
    struct mp_holders *made =
        mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return made == MAP_FAILED ? NULL : made;
}

void mp_holders_free(struct mp_holders *holders)
{
    if (holders)
        munmap(holders, sizeof *holders);
}
