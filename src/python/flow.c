/* The capture behind the heap columns of lines: in memory, while some tracer wants it and nobody
 * else captures. A tracker that starts takes its place and gives it back when it stops; blocks
 * from before such a change are unknown after it.
 */
#include "python/door.h"

#include "capture/heap/python/lines.h"
#include "capture/heap/python/session.h"
#include "store/heap/file.h"

static struct mp_heap_file file;
static size_t wanted;
static bool ours;
static pid_t pid;

int mp_flow_resume(void)
{
    if (!wanted || mp_hooks_are_open())
        return 0;
    mp_flow_yield(); /* of a parent's, in a forked child */
    if (mp_heap_file_open(&file, -1, NULL, 0))
        return -1;
    ours = true;
    pid = getpid();
    if (!mp_hooks_start(&file.heap, false, 0))
        return 0;
    mp_flow_yield();
    return -1;
}

void mp_flow_yield(void)
{
    if (!ours)
        return;
    if (pid == getpid())
        mp_hooks_stop();
    mp_heap_file_release(&file);
    ours = false;
}

bool mp_flow_runs(void)
{
    return ours && pid == getpid();
}

int mp_flow_acquire(void)
{
    wanted++;
    if (!mp_flow_resume()) {
        mp_hooks_keep_awake(true);
        return 0;
    }
    wanted--;
    return -1;
}

void mp_flow_release(void)
{
    if (--wanted)
        return;
    mp_hooks_keep_awake(false);
    mp_flow_yield();
}

static PyObject *set_aside(PyObject *module, PyObject *aside)
{
    (void)module;
    return PyBool_FromLong(mp_hooks_set_aside(aside == Py_True));
}

PyMethodDef mp_flow_methods[] = {
    {"set_aside", set_aside, METH_O,
     "set_aside(aside) -> whether it was. Until it is False again, what this thread allocates\n"
     "is the profiler's own: on no line and in no heap capture."},
    {NULL, NULL, 0, NULL},
};
