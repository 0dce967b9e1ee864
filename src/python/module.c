/* memory_profiler._core: conversions between Python and the C core, no logic. */
#include "python/door.h"
#include "python/forks.h"

static int add_type(PyObject *module, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    int failed = type ? PyModule_AddType(module, (PyTypeObject *)type) : -1;
    Py_XDECREF(type);
    return failed;
}

/* State is per process (the gate, the tool id): the main interpreter's, under its lock. */
static int refuse_others(void)
{
    if (PyInterpreterState_Get() == PyInterpreterState_Main())
        return 0;
    PyErr_SetString(PyExc_ImportError,
                    "memory_profiler measures the main interpreter alone; "
                    "import it there, not in a sub-interpreter");
    return -1;
}

static PyType_Spec *const types[] = {
    &mp_tracer_spec, &mp_block_spec,   &mp_calls_spec, &mp_driven_spec,
    &mp_heap_spec,   &mp_sampler_spec, &mp_peak_spec,  &mp_tag_spec,
};

static PyMethodDef *const functions[] = {
    mp_attach_methods,   mp_calls_methods,    mp_ending_methods,        mp_finder_methods,
    mp_flow_methods,     mp_heap_run_methods, mp_heap_together_methods, mp_holders_methods,
    mp_levels_methods,   mp_forks_methods,    mp_meter_methods,         mp_render_methods,
    mp_notebook_methods, mp_objects_methods,  mp_waste_methods,
};

static int execute(PyObject *module)
{
    int failed = refuse_others();
    for (size_t i = 0; !failed && i < Py_ARRAY_LENGTH(types); i++)
        failed = add_type(module, types[i]);
    for (size_t i = 0; !failed && i < Py_ARRAY_LENGTH(functions); i++)
        failed = PyModule_AddFunctions(module, functions[i]);
    if (!failed)
        failed = PyModule_AddStringConstant(module, "__version__", MP_VERSION);
    return failed;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
#ifdef Py_mod_multiple_interpreters /* execute() refuses in words of ours */
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "memory_profiler._core",
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__core(void)
{
#ifdef Py_GIL_DISABLED
    PyErr_SetString(PyExc_ImportError,
                    "memory_profiler's C core does not support free-threaded "
                    "Python; install its py3-none-any wheel");
    return NULL;
#else
    return PyModuleDef_Init(&definition);
#endif
}
