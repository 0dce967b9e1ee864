/* Who holds objects, for another process: into the capture that is recorded, or into one made for the answer. */
#include "python/heap.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "capture/heap/python/census_due.h"
#include "capture/objects/holders.h"
#include "python/door.h"

/* What a child looks for. */
static struct {
    struct mp_heap_object *self;     /* held; NULL: none looks */
    struct mp_heap_keeping *finding; /* owned; NULL: there was no memory */
    int64_t time;
    uint32_t number;
    pid_t program;
} looking;

/* While it is waited for the recording may end, and another begin: then nothing is put anywhere. A forked child's copy is
   of what its parent waits for. */
void mp_heap_object_answer_holders(bool (*may_keep)(const struct mp_heap_object *))
{
    struct mp_heap_object *self = looking.self;
    struct mp_heap_keeping *found = looking.finding;
    int64_t time = looking.time;
    uint32_t number = looking.number;
    if (!self)
        return;
    looking.self = NULL;
    mp_census_await(0, NULL);
    if (looking.program == getpid()) {
        mp_heap_holders_await(found);
        if (may_keep(self))
            mp_heap_holders_put(&self->file.heap, time, found);
        else
            mp_heap_holders_free(found);
        __atomic_store_n(&self->file.heap.header->holders.answered, number,
                         __ATOMIC_RELEASE);
    }
    Py_DECREF(self);
}

void mp_heap_object_look_for_holders(struct mp_heap_object *self,
                                     bool (*may_keep)(const struct mp_heap_object *))
{
    struct mp_heap_header *header = self->file.heap.header;
    struct mp_heap_holders_asked *its = &header->holders;
    char name[MP_HEAP_WANTS_NAME + 1] = "";
    mp_heap_object_answer_holders(may_keep); /* who asked before */
    uint32_t number = __atomic_load_n(&its->asked, __ATOMIC_ACQUIRE), what = its->wanted;
    memcpy(name, its->name, MP_HEAP_WANTS_NAME);
    __atomic_store_n(&its->begun, number, __ATOMIC_RELEASE);
    const struct mp_heap_finding finding = {.wants = {what < MP_HEAP_WANTS_KINDS
                                                          ? (enum mp_heap_wants_of)what
                                                          : MP_HEAP_WANTS_ALL,
                                                      name},
                                            .looked = &its->looked,
                                            .number = number};
    looking.time = header->elapsed > 0 ? header->elapsed : 1;
    looking.number = number;
    looking.program = getpid();
    looking.finding = mp_heap_holders_begin(&finding);
    looking.self = (struct mp_heap_object *)Py_NewRef(self);
    pid_t child = mp_heap_holders_child(looking.finding);
    if (child)
        mp_census_await(child, mp_holders_is_over);
    else
        mp_heap_object_answer_holders(may_keep);
}

static int write_capture(PyObject *path, const struct mp_heap_wants *wants, const char *own)
{
    struct mp_heap_object made = {0};
    if (mp_heap_object_open(&made, path, 0))
        return -1;
    const struct mp_heap_finding finding = {.wants = *wants, .own_files = own};
    struct mp_heap_keeping *found = mp_heap_holders_begin(&finding);
    mp_heap_holders_await(found);
    int failed = mp_heap_holders_put(&made.file.heap, 1, found);
    if (!failed)
        failed = mp_heap_file_finish(&made.file);
    int kept = errno;
    mp_heap_file_release(&made.file);
    errno = kept;
    return failed;
}

static PyObject *heap_objects(PyObject *module, PyObject *args)
{
    PyObject *path;
    unsigned what;
    const char *name, *own;
    (void)module;
    if (!PyArg_ParseTuple(args, "O&Iss", PyUnicode_FSConverter, &path, &what, &name, &own))
        return NULL;
    const struct mp_heap_wants wants = {(enum mp_heap_wants_of)what, name};
    PyObject *result = NULL;
    if (what >= MP_HEAP_WANTS_KINDS)
        PyErr_SetString(PyExc_ValueError, "no such question");
    else if (what == MP_HEAP_WANTS_LINE && !mp_hooks_are_open())
        PyErr_SetString(PyExc_LookupError, "nothing is recorded");
    else if (write_capture(path, &wants, own))
        PyErr_SetFromErrno(PyExc_OSError);
    else
        result = PyBool_FromLong(mp_hooks_are_open());
    Py_DECREF(path);
    return result;
}

PyMethodDef mp_objects_methods[] = {
    {"heap_objects", heap_objects, METH_VARARGS,
     "heap_objects(path, what, name, own) -> whether a recording runs, whose lines are known.\n"
     "Writes who holds objects into a new capture; what: 0 all that is kept at an end, 1 of that\n"
     "what retains most, 2 types of this name, 3 what this line allocated, 4 what is not needed."},
    {NULL, NULL, 0, NULL},
};
