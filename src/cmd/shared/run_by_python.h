/* How a module of ours is started by Python: see the C file. */
#ifndef MP_CMD_SHARED_RUN_BY_PYTHON_H
#define MP_CMD_SHARED_RUN_BY_PYTHON_H

/* This program's own path where Python can run it; owned by the caller. NULL: it cannot (an
   unstripped debug build, no /proc), and `python -m` has to do. */
char *mp_run_by_python(void);

/* Writes the words that start a module, whose name is to follow; returns what is behind them.
   `program` is of mp_run_by_python(), borrowed. */
char **mp_put_start(char **at, char *program);

#endif
