/* Readings of memory for Python: bytes, always; OSError when a process cannot be read. */
#include "python/door.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "capture/lines/thread.h"
#include "capture/lines/trace.h"
#include "capture/lines/tracer.h"
#include "capture/process/cgroup.h"
#include "capture/process/tree.h"

int mp_metric_from(const char *name, enum mp_metric *metric)
{
    static const char *const names[] = {"rss", "pss", "uss"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(name, names[i])) {
            *metric = (enum mp_metric)i;
            return 0;
        }
    PyErr_Format(PyExc_ValueError, "unknown metric '%s': rss, pss or uss", name);
    return -1;
}

static PyObject *bytes_or_error(int64_t bytes)
{
    return bytes < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromLongLong(bytes);
}

static PyObject *memory(PyObject *module, PyObject *args)
{
    (void)module;
    int pid;
    const char *name = "rss";
    enum mp_metric metric;
    struct mp_meter meter;
    if (!PyArg_ParseTuple(args, "i|s", &pid, &name) || mp_metric_from(name, &metric))
        return NULL;
    if (mp_meter_open(&meter, pid, metric))
        return PyErr_SetFromErrno(PyExc_OSError);
    int64_t bytes = mp_meter_read(&meter);
    int kept = errno;
    mp_meter_release(&meter);
    errno = kept;
    return bytes_or_error(bytes);
}

/* Keeps a descriptor for each metric: what follows each call of a function reads where no more
   can be opened, and behind a chroot. */
static PyObject *own_memory(PyObject *module, PyObject *args)
{
    (void)module;
    static struct mp_meter kept[3];
    static bool open[3];
    const char *name = "rss";
    enum mp_metric metric;
    if (!PyArg_ParseTuple(args, "|s", &name) || mp_metric_from(name, &metric))
        return NULL;
    if (!open[metric] && mp_meter_open(&kept[metric], 0, metric))
        return PyErr_SetFromErrno(PyExc_OSError);
    open[metric] = true;
    return bytes_or_error(mp_meter_read(&kept[metric]));
}

static PyObject *children(PyObject *module, PyObject *arg)
{
    (void)module;
    struct mp_tree tree = {0};
    long pid = PyLong_AsLong(arg);
    if (pid == -1 && PyErr_Occurred())
        return NULL;
    if (mp_tree_list(&tree, (pid_t)pid)) {
        mp_tree_release(&tree);
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    PyObject *list = PyList_New((Py_ssize_t)tree.count);
    for (size_t i = 0; list && i < tree.count; i++)
        PyList_SET_ITEM(list, (Py_ssize_t)i, PyLong_FromLong(tree.pids[i]));
    mp_tree_release(&tree);
    return list;
}

static PyObject *children_memory(PyObject *module, PyObject *args)
{
    (void)module;
    int pid;
    const char *name = "rss";
    enum mp_metric metric;
    struct mp_tree tree = {0};
    if (!PyArg_ParseTuple(args, "i|s", &pid, &name) || mp_metric_from(name, &metric))
        return NULL;
    int64_t bytes = mp_tree_memory(&tree, pid ? pid : getpid(), metric);
    mp_tree_release(&tree);
    return bytes_or_error(bytes);
}

static PyObject *cgroup(PyObject *module, PyObject *arg)
{
    (void)module;
    struct mp_cgroup group;
    long pid = PyLong_AsLong(arg);
    if (pid == -1 && PyErr_Occurred())
        return NULL;
    if (mp_cgroup_find(&group, (pid_t)pid))
        return PyErr_SetFromErrno(PyExc_OSError);
    int64_t current = mp_cgroup_current(&group), limit = mp_cgroup_limit(&group);
    if (current < 0 || limit < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    if (limit == INT64_MAX)
        return Py_BuildValue("LO", (long long)current, Py_None);
    return Py_BuildValue("LL", (long long)current, (long long)limit);
}

static PyObject *use_gate(PyObject *module, PyObject *arg)
{
    (void)module;
    long kind = PyLong_AsLong(arg);
    if (kind == -1 && PyErr_Occurred())
        return NULL;
    mp_thread_use_gate(kind <= 0   ? MP_GATE_PERF
                       : kind == 1 ? MP_GATE_RUSAGE
                                   : MP_GATE_NONE);
    Py_RETURN_NONE;
}

static PyObject *select_code(PyObject *module, PyObject *arg)
{
    (void)module;
    return mp_trace_select(arg == Py_None ? NULL : arg) ? NULL : Py_NewRef(Py_None);
}

static PyObject *gate(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    struct mp_thread *thread = mp_thread_self();
    return thread ? PyUnicode_FromString(mp_gate_name(thread->gate.kind))
                  : PyErr_NoMemory();
}

static PyObject *granularity(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    return bytes_or_error(mp_meter_granularity());
}

static PyObject *work(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    struct mp_thread *thread = mp_thread_self();
    if (!thread)
        return PyErr_NoMemory();
    return Py_BuildValue(
        "{sK,sK,sK,sK,sn}", "reads", (unsigned long long)mp_tracer_meter()->reads, "events",
        (unsigned long long)thread->events, "dropped", (unsigned long long)thread->dropped,
        "strayed", (unsigned long long)thread->strayed, "open", (Py_ssize_t)thread->depth);
}

PyMethodDef mp_meter_methods[] = {
    {"memory", memory, METH_VARARGS,
     "memory(pid, metric='rss') -> bytes of a process now (pid 0: this one).\n"
     "Source: statm (rss), smaps_rollup (pss, uss). Raises OSError, ValueError."},
    {"own_memory", own_memory, METH_VARARGS,
     "own_memory(metric='rss') -> memory(0, metric), from a descriptor that stays open."},
    {"children", children, METH_O,
     "children(pid) -> pids of all descendants, parents first."},
    {"children_memory", children_memory, METH_VARARGS,
     "children_memory(pid, metric='rss') -> bytes of all descendants (pid 0: ours), summed."},
    {"cgroup", cgroup, METH_O,
     "cgroup(pid) -> (bytes now, limit in bytes or None) of the process's control group."},
    {"use_gate", use_gate, METH_O, "use_gate(kind): 0 page-fault ring, 1 rusage, 2 none."},
    {"select", select_code, METH_O,
     "select(call or None): call(code, globals) once for each code object that runs from now\n"
     "on; it may add the code to a tracer, which then counts this very run."},
    {"gate", gate, METH_NOARGS, "gate() -> the name of this thread's gate."},
    {"granularity", granularity, METH_NOARGS,
     "granularity() -> bytes of fresh memory that RSS can leave uncounted here."},
    {"work", work, METH_NOARGS,
     "work() -> {'reads': statm reads of the process, 'events': line events of this "
     "thread,\n"
     "'dropped': activations lost, 'strayed': events for code nobody traces, 'open': "
     "activations\nrunning on this thread}."},
    {NULL, NULL, 0, NULL},
};
