/* The command line that runs a Python program under one of our modules. */
#ifndef MP_CMD_SHARED_PYTHON_COMMAND_H
#define MP_CMD_SHARED_PYTHON_COMMAND_H

#include <stdbool.h>

/* What the user wants to run: a module or code, or `python [its options] PROGRAM arguments`, or
   `PROGRAM arguments`. Borrowed; a word such as -um is cut in two in place. */
struct mp_python_program {
    char *module, *code; /* both NULL: words[0] is the program or the interpreter */
    int count;
    char **words;
};

/* INTERPRETER [its options] RUNNER... [-m MODULE | -c CODE | -- SCRIPT] arguments

   `runner` ends with NULL: "-m", our module, its options. `--` marks what the user gave to python:
   a script, whatever else has its name. The array is the caller's to free, its words are
   borrowed. NULL with errno: ENOMEM, or ENOENT when no program follows the interpreter. */
char **mp_python_command(char *interpreter, char *const *runner,
                         const struct mp_python_program *program);

/* The script of `python [its options] SCRIPT arguments`; NULL when it is -m, -c or missing. */
char *mp_python_script(int count, char **words);

/* Whether the program of `python [its options] -c CODE` is code. */
bool mp_python_code(int count, char **words);

#endif
