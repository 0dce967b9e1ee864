/* What the files of the Python door share. */
#ifndef MP_PYTHON_MODULE_H
#define MP_PYTHON_MODULE_H

#include <Python.h>

#include "capture/meter.h"

extern PyType_Spec mp_calls_spec;
extern PyType_Spec mp_peak_spec;
extern PyType_Spec mp_heap_spec;
extern PyType_Spec mp_tracer_spec;
extern PyMethodDef mp_calls_methods[];
extern PyMethodDef mp_flow_methods[];
extern PyMethodDef mp_meter_methods[];
extern PyMethodDef mp_notebook_methods[];
extern PyMethodDef mp_render_methods[];

/* Adds the Sampler type. 0, or -1 with an exception. */
int mp_sampler_register(PyObject *module);

/* The capture of the heap columns: one that wants it, one fewer. 0, or -1 with errno. */
int mp_flow_want(void);
void mp_flow_drop(void);

/* A tracker takes its place; has stopped. */
void mp_flow_yield(void);
int mp_flow_resume(void);

/* "rss", "pss" or "uss" to a metric; -1 with ValueError. */
int mp_metric_from(const char *name, enum mp_metric *metric);

#endif
