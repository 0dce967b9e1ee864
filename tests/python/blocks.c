/* Calls Python's allocators with sizes and from places that a test knows. Arguments are small
 * integers and results None, so that the calls themselves allocate nothing. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/time.h>

/* There from a thread's start: else its first use would be another block, where libc's loader has malloc's. */
#define LOCAL __thread __attribute__((tls_model("initial-exec")))

enum { SLOTS = 256 };

static void *blocks[SLOTS];

static void *take(long domain, size_t size)
{
    return domain == 0   ? PyMem_RawMalloc(size)
           : domain == 1 ? PyMem_Malloc(size)
                         : PyObject_Malloc(size);
}

static void *zeroed(long domain, size_t count, size_t size)
{
    return domain == 0   ? PyMem_RawCalloc(count, size)
           : domain == 1 ? PyMem_Calloc(count, size)
                         : PyObject_Calloc(count, size);
}

static void *move(long domain, void *from, size_t size)
{
    return domain == 0   ? PyMem_RawRealloc(from, size)
           : domain == 1 ? PyMem_Realloc(from, size)
                         : PyObject_Realloc(from, size);
}

static void give(long domain, void *block)
{
    domain == 0   ? PyMem_RawFree(block)
    : domain == 1 ? PyMem_Free(block)
                  : PyObject_Free(block);
}

#define ARGUMENT(i) PyLong_AsLong(arguments[i])

static PyObject *py_malloc(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    blocks[ARGUMENT(1)] = take(ARGUMENT(0), (size_t)ARGUMENT(2));
    Py_RETURN_NONE;
}

static PyObject *py_calloc(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    blocks[ARGUMENT(1)] = zeroed(ARGUMENT(0), 1, (size_t)ARGUMENT(2));
    Py_RETURN_NONE;
}

static PyObject *py_realloc(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    void **block = &blocks[ARGUMENT(1)];
    *block = move(ARGUMENT(0), *block, (size_t)ARGUMENT(2));
    Py_RETURN_NONE;
}

/* True when it failed and the block stayed. */
static PyObject *py_refuse(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    void *moved = move(ARGUMENT(0), blocks[ARGUMENT(1)], (size_t)PY_SSIZE_T_MAX);
    return PyBool_FromLong(!moved);
}

static PyObject *py_free(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    give(ARGUMENT(0), blocks[ARGUMENT(1)]);
    blocks[ARGUMENT(1)] = NULL;
    Py_RETURN_NONE;
}

/* Without the interpreter's lock, in threads that Python does not know. */
static size_t rounds;

static void *churn(void *ignored)
{
    for (size_t i = 0; i < rounds; i++) {
        void *block = PyMem_RawMalloc(100 + i % 7);
        block = PyMem_RawRealloc(block, 200);
        PyMem_RawFree(block);
    }
    return PyMem_RawMalloc(1000);
}

static pthread_key_t key;

static void at_end(void *block)
{
    PyMem_RawFree(block);
    PyMem_RawFree(PyMem_RawMalloc(10));
}

static void *with_destructor(void *ignored)
{
    pthread_setspecific(key, PyMem_RawMalloc(50));
    return NULL;
}

static PyObject *run(void *(*body)(void *), Py_ssize_t threads)
{
    pthread_t ids[64];
    void *kept[64];
    Py_BEGIN_ALLOW_THREADS;
    for (Py_ssize_t i = 0; i < threads; i++)
        pthread_create(&ids[i], NULL, body, NULL);
    for (Py_ssize_t i = 0; i < threads; i++) {
        pthread_join(ids[i], &kept[i]);
        PyMem_RawFree(kept[i]);
    }
    Py_END_ALLOW_THREADS;
    Py_RETURN_NONE;
}

static PyObject *py_threads(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    rounds = (size_t)ARGUMENT(1);
    return run(churn, ARGUMENT(0));
}

static PyObject *py_destructors(PyObject *module, PyObject *const *arguments,
                                Py_ssize_t count)
{
    static int made;
    if (!made++)
        pthread_key_create(&key, at_end);
    return run(with_destructor, ARGUMENT(0));
}

/* A block of a size that no other of this thread has, for a moment; in it the observer, if there
 * is one, may look at the stack. The caller's call is all that allocates there. */
static LOCAL size_t pulses;
static PyObject *observer;

static PyObject *py_pulse(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    long domain = (long)(++pulses % 3);
    void *block = take(domain, pulses);
    PyObject *result = observer ? PyObject_CallNoArgs(observer) : Py_NewRef(Py_None);
    give(domain, block);
    return result;
}

static PyObject *py_observe(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    Py_XSETREF(observer, arguments[0] == Py_None ? NULL : Py_NewRef(arguments[0]));
    Py_RETURN_NONE;
}

/* The size of this thread's latest pulse. */
static PyObject *py_pulsed(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    return PyLong_FromSize_t(pulses);
}

/* An allocator that a signal handler may call, which malloc is not: what it takes there is of a
 * place of its own. */
static LOCAL volatile bool is_handling;
static char handled[4096];
static PyMemAllocatorEx usual;

static void *safe_malloc(void *context, size_t size)
{
    return is_handling ? handled + 64 : usual.malloc(usual.ctx, size);
}

static void *safe_calloc(void *context, size_t count, size_t size)
{
    return is_handling ? handled + 64 : usual.calloc(usual.ctx, count, size);
}

static void *safe_realloc(void *context, void *from, size_t size)
{
    return is_handling ? handled + 128 : usual.realloc(usual.ctx, from, size);
}

static void safe_free(void *context, void *block)
{
    if (!is_handling)
        usual.free(usual.ctx, block);
}

/* It may come while a hook runs. */
static void on_signal(int number)
{
    is_handling = true;
    PyMem_RawFree(PyMem_RawRealloc(PyMem_RawMalloc(24), 90));
    is_handling = false;
}

static void be_safe(void)
{
    PyMemAllocatorEx safe = {NULL, safe_malloc, safe_calloc, safe_realloc, safe_free};
    PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &usual);
    PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &safe);
}

static PyObject *py_signals(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    if (!usual.malloc)
        be_safe();
    struct itimerval often = {{0, ARGUMENT(0)}, {0, ARGUMENT(0)}};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGPROF, &action, NULL);
    setitimer(ITIMER_PROF, &often, NULL);
    Py_RETURN_NONE;
}

/* Behind the interpreter's end: atexit(3), a library's destructor. */
static void late(void)
{
    PyMem_RawFree(PyMem_RawRealloc(PyMem_RawMalloc(100), 5000));
}

static bool is_late;

__attribute__((destructor)) static void at_unload(void)
{
    if (is_late)
        late();
}

static PyObject *py_stay_late(PyObject *module, PyObject *const *arguments,
                              Py_ssize_t count)
{
    is_late = true;
    atexit(late);
    Py_RETURN_NONE;
}

/* Threads that end in every way there is. */
static void *leave_early(void *how)
{
    PyMem_RawFree(PyMem_RawMalloc(77));
    if (how)
        pthread_exit(PyMem_RawMalloc(78));
    for (unsigned i = 1;; i++) {
        PyMem_RawFree(PyMem_RawMalloc(79));
        if (i % 1000 == 0)
            pthread_testcancel(); /* before that, a system call of ours must not be the place */
    }
}

static void *detached(void *semaphore)
{
    PyMem_RawFree(PyMem_RawMalloc(76));
    sem_post(semaphore);
    return NULL;
}

static PyObject *py_endings(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    static sem_t done;
    pthread_t ended, cancelled, alone;
    void *block;
    sem_init(&done, 0, 0);
    Py_BEGIN_ALLOW_THREADS;
    for (long i = ARGUMENT(0); i > 0; i--) {
        pthread_create(&ended, NULL, leave_early, &done);
        pthread_create(&cancelled, NULL, leave_early, NULL);
        pthread_create(&alone, NULL, detached, &done);
        pthread_detach(alone);
        pthread_cancel(cancelled);
        pthread_join(cancelled, NULL);
        pthread_join(ended, &block);
        PyMem_RawFree(block);
        sem_wait(&done);
    }
    Py_END_ALLOW_THREADS;
    Py_RETURN_NONE;
}

/* Before the arenas' allocator that is there: asks it, says that there are none, or asks mmap. */
static PyObjectArenaAllocator arenas;
static enum { ASK, REFUSE, MAP } answer;

static void *take_arena(void *context, size_t size)
{
    if (answer == ASK)
        return arenas.alloc(context, size);
    return answer == REFUSE ? NULL
                            : mmap(NULL, size, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static PyObject *py_arenas(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    answer = ARGUMENT(0);
    if (!arenas.alloc) {
        PyObject_GetArenaAllocator(&arenas);
        PyObjectArenaAllocator ours = {arenas.ctx, take_arena, arenas.free};
        PyObject_SetArenaAllocator(&ours);
    }
    Py_RETURN_NONE;
}

#define METHOD(name)                                                       \
    {                                                                      \
#name, (PyCFunction)(void (*)(void))py_##name, METH_FASTCALL, NULL \
    }

static PyMethodDef methods[] = {
    METHOD(malloc),  METHOD(calloc),      METHOD(realloc), METHOD(refuse),
    METHOD(free),    METHOD(pulse),       METHOD(observe), METHOD(pulsed),
    METHOD(threads), METHOD(destructors), METHOD(signals), METHOD(stay_late),
    METHOD(endings), METHOD(arenas),      {NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "blocks", NULL, -1, methods};

PyMODINIT_FUNC PyInit_blocks(void)
{
    return PyModule_Create(&definition);
}
