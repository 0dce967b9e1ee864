/* What happens around a fork that Python makes: no thread of ours is there to be counted.
 *
 *     before hook   sampling is held, Python samplers are halted
 *     fork, and Python counts the process's threads (3.12 before the parent's hooks, 3.13.0 after)
 *     os.fork() has returned to the frame that called it: sampling resumes
 */
#ifndef MP_PYTHON_FORKS_H
#define MP_PYTHON_FORKS_H

#include <Python.h>

/* Registers the hooks, once. 0, or -1 with an exception. */
int mp_forks_watch(void);

extern PyMethodDef mp_forks_methods[];

#endif
