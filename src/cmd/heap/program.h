/* What `mprof heap` is asked to run, looked at before anything at the capture's name is moved
 * away for it: stdin, other programs and names of nothing are refused in a line
 * that says what to do. Whatever may be Python's is left to the interpreter. */
#ifndef MP_CMD_HEAP_PROGRAM_H
#define MP_CMD_HEAP_PROGRAM_H

#include <stdbool.h>

/* Whether it is the number of a process: no script, folder or module has that name here. */
bool mp_heap_program_is_process(const char *word);

/* Whether the file is an executable that holds no Python program. */
bool mp_heap_program_is_native(const char *path);

/* 0, or the exit code once it was told what is wrong with the word. */
int mp_heap_program_check(const char *word);

#endif
