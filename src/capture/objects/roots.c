#include "capture/objects/roots.h"

#include <string.h>

/* From 3.14 on the low bits say how it is counted, or that it is a number. */
PyObject *mp_root_local(const _PyInterpreterFrame *frame, int at)
{
    uintptr_t bits;
    memcpy(&bits, &frame->localsplus[at], sizeof bits);
#if PY_VERSION_HEX >= 0x030E0000
    bits = (bits & 3) < 2 ? bits & ~(uintptr_t)3 : 0;
#endif
    return (PyObject *)bits;
}

static void visit_frame(const _PyInterpreterFrame *frame, bool ours, mp_root_see *see,
                        void *context)
{
    PyCodeObject *code = mp_frame_code(frame);
    long offset = (long)((const char *)mp_frame_instruction(frame) -
                         (const char *)_PyCode_CODE(code));
    struct mp_root root = {.kind = MP_ROOT_LOCAL, .code = code};
    if (frame->owner == FRAME_OWNED_BY_THREAD && !mp_frame_is_plain(frame))
        return; /* it has not begun */
    root.line = PyCode_Addr2Line(code, (int)offset);
    for (int i = 0; i < code->co_nlocalsplus; i++) {
        PyObject *local = mp_root_local(frame, i);
        root.name = PyTuple_GET_ITEM(code->co_localsplusnames, i);
        if (local)
            see(context, local, &root, ours);
    }
}

static bool begins_with(PyObject *text, const char *start)
{
    Py_ssize_t i = 0;
    while (start[i] && i < PyUnicode_GET_LENGTH(text) &&
           PyUnicode_READ_CHAR(text, i) == (unsigned char)start[i])
        i++;
    return !start[i];
}

static void visit_frames(PyThreadState *thread, const char *own, mp_root_see *see,
                         void *context)
{
    bool ours = own && thread == PyThreadState_Get();
    const _PyInterpreterFrame *frame = mp_frame_python(mp_frame_innermost(thread));
    for (; frame; frame = mp_frame_caller(frame)) {
        ours = ours && begins_with(mp_frame_code(frame)->co_filename, own);
        visit_frame(frame, ours, see, context);
    }
}

static void visit_thread(PyThreadState *thread, mp_root_see *see, void *context)
{
    const struct mp_root root = {.kind = MP_ROOT_THREAD};
    PyObject *const kept[] = {thread->dict, thread->context};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(kept); i++)
        if (kept[i])
            see(context, kept[i], &root, false);
}

static void visit_modules(mp_root_see *see, void *context)
{
    PyObject *key, *module, *modules = PyImport_GetModuleDict();
    Py_ssize_t at = 0;
    while (modules && PyDict_Next(modules, &at, &key, &module)) {
        const struct mp_root root = {.kind = MP_ROOT_MODULE, .name = key};
        if (PyUnicode_Check(key) && module != Py_None)
            see(context, module, &root, false);
    }
}

void mp_roots_visit(const char *own, mp_root_see *see, void *context)
{
    visit_modules(see, context);
    PyThreadState *thread = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    for (; thread; thread = PyThreadState_Next(thread)) {
        visit_frames(thread, own, see, context);
        visit_thread(thread, see, context);
    }
}
