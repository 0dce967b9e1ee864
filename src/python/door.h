/* What the files of the Python door share. */
#ifndef MP_PYTHON_DOOR_H
#define MP_PYTHON_DOOR_H

#include <Python.h>

#include <stdbool.h>

#include "capture/process/meter.h"

extern PyType_Spec mp_block_spec;
extern PyType_Spec mp_calls_spec;
extern PyType_Spec mp_driven_spec;
extern PyType_Spec mp_peak_spec;
extern PyType_Spec mp_heap_spec;
extern PyType_Spec mp_sampler_spec;
extern PyType_Spec mp_tag_spec;
extern PyType_Spec mp_tracer_spec;
extern PyMethodDef mp_attach_methods[];
extern PyMethodDef mp_calls_methods[];
extern PyMethodDef mp_ending_methods[];
extern PyMethodDef mp_finder_methods[];
extern PyMethodDef mp_flow_methods[];
extern PyMethodDef mp_heap_run_methods[];
extern PyMethodDef mp_heap_together_methods[];
extern PyMethodDef mp_holders_methods[];
extern PyMethodDef mp_waste_methods[];
extern PyMethodDef mp_levels_methods[];
extern PyMethodDef mp_meter_methods[];
extern PyMethodDef mp_notebook_methods[];
extern PyMethodDef mp_objects_methods[];
extern PyMethodDef mp_render_methods[];

/* Raises what errno says of who could not look; NULL. */
PyObject *mp_holders_refuse(void);

/* What a Tracer object stands for; NULL for any other object. */
struct mp_tracer *mp_tracer_in(PyObject *);

/* The capture of the heap columns: one that wants it, one fewer. 0, or -1 with errno. */
int mp_flow_acquire(void);
void mp_flow_release(void);

/* A tracker takes its place; has stopped. */
void mp_flow_yield(void);
int mp_flow_resume(void);
bool mp_flow_runs(void); /* and is the recording that is open */

/* "rss", "pss" or "uss" to a metric; -1 with ValueError. */
int mp_metric_from(const char *name, enum mp_metric *metric);

#endif
