/* Children that a process gets behind the backs of fork handlers and of Python, while threads of
 * its own allocate. Loaded with ctypes. */
#include <Python.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, MIB = 1 << 20, A_HANG = 5 /* s */ };

static pthread_t threads[THREADS];
static bool is_over;

static void map_once(void)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    void *map = mmap(NULL, MIB, PROT_READ | PROT_WRITE, flags, -1, 0);
    map = mremap(map, MIB, 2 * MIB, MREMAP_MAYMOVE);
    munmap(map, 2 * MIB);
}

static void *allocate(void *ignored)
{
    (void)ignored;
    long calls = 0;
    prctl(PR_SET_NAME, "asker");
    for (; !__atomic_load_n(&is_over, __ATOMIC_ACQUIRE); calls++) {
        free(malloc((size_t)(100 + calls % 1000)));
        map_once();
    }
    return (void *)calls;
}

void start(void)
{
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, allocate, NULL);
}

/* How many blocks the threads asked for. */
long stop(void)
{
    long sum = 0;
    __atomic_store_n(&is_over, true, __ATOMIC_RELEASE);
    for (int i = 0; i < THREADS; i++) {
        void *calls;
        pthread_join(threads[i], &calls);
        sum += (long)calls;
    }
    return sum;
}

/* Whoever forked has the interpreter's lock, and so has the child: Python's allocators work there,
   its evaluation loop, which was not told, may wait for threads that are no more. */
static void allocate_as_python(void)
{
    void *kept[2000];
    for (int i = 0; i < 2000; i++)
        kept[i] = i % 3 ? PyObject_Malloc((size_t)i) : PyMem_RawMalloc((size_t)i);
    for (int i = 0; i < 2000; i++)
        i % 3 ? PyObject_Free(kept[i]) : PyMem_RawFree(kept[i]);
    kept[0] = PyObject_Realloc(PyObject_Calloc(1, 100), MIB);
}

/* The threads have arenas of their own: malloc's locks are free here, also in a bare clone. */
static void be_a_child(void)
{
    alarm(A_HANG);
    void *block = malloc(100);
    for (int i = 0; i < 50; i++) {
        block = realloc(block, (size_t)(200 + i * 50));
        memset(block, 1, 200);
        free(calloc(1, MIB));
        map_once();
    }
    free(block);
    if (PyGILState_Check())
        allocate_as_python();
    syscall(SYS_exit_group, 0);
}

static bool ends_well(pid_t pid)
{
    int status;
    return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

/* Whether a child did not end well. */
int clones(int count)
{
    int bad = 0;
    for (int i = 0; i < count && !bad; i++) {
        pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (!pid)
            be_a_child();
        bad += !ends_well(pid);
    }
    return bad;
}

int forks(int count)
{
    int bad = 0;
    for (int i = 0; i < count && !bad; i++) {
        pid_t pid = fork();
        if (!pid)
            be_a_child();
        bad += !ends_well(pid);
    }
    return bad;
}

/* A child in the parent's own memory, until it becomes another program. */
int vforks(int count)
{
    int bad = 0;
    for (int i = 0; i < count && !bad; i++) {
        pid_t pid = vfork();
        if (!pid) {
            execl("/bin/true", "true", (char *)NULL);
            _exit(1);
        }
        bad += !ends_well(pid);
    }
    return bad;
}
