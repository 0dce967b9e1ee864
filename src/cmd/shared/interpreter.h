/* Where a Python interpreter is found, and how a Python program is run under it. */
#ifndef MP_CMD_SHARED_INTERPRETER_H
#define MP_CMD_SHARED_INTERPRETER_H

#include <stdbool.h>

/* $MPROF_PYTHON, else the `python` beside mprof, else python3 on PATH. Owned by the caller;
   NULL when there is none (said in one line). */
char *mp_interpreter_find(void);

/* Our own path; without /proc the one we were executed by. Owned; NULL when it is not known. */
char *mp_own_path(void);

/* A file as a shell would find it: as it is, or in a directory of PATH when it has no slash.
   Owned by the caller; NULL when there is none. */
char *mp_path_search(const char *name, int mode);

/* Whether a program's name is that of an interpreter: python, python3.12, /usr/bin/python3. */
bool mp_interpreter_is(const char *program);

#endif
