#include "capture/heap/python/code_ends.h"

#include <Python.h>

#include "capture/heap/python/recording.h"

#if PY_VERSION_HEX >= 0x030C0000

static int look(PyCodeEvent event, PyCodeObject *code)
{
    int kept = errno;
    if (event == PY_CODE_EVENT_DESTROY)
        mp_recording_code_ends(code);
    errno = kept;
    return 0;
}

bool mp_code_ends_follow(void)
{
    static int64_t followed = -1; /* the interpreter; it keeps its watchers to its end */
    int64_t here = PyInterpreterState_GetID(PyInterpreterState_Get());
    if (here == followed)
        return true;
    if (PyCode_AddWatcher(look) < 0) {
        PyErr_Clear(); /* all places are taken */
        return false;
    }
    followed = here;
    return true;
}

#else

bool mp_code_ends_follow(void)
{
    return false;
}

#endif
