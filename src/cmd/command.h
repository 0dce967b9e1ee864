/* One table says what mprof can do: its commands and their options. Parsing, help, the manual
 * page and the completions of three shells all come from it.
 *
 * A command is one file: a `const struct mp_command` with its option table and the function
 * that runs it. Options arrive one by one in the command's own `take`.
 */
#ifndef MP_CMD_COMMAND_H
#define MP_CMD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

enum mp_exit {
    MP_EXIT_OK = 0,
    MP_EXIT_FAILURE = 1,
    MP_EXIT_USAGE = 2,
    MP_EXIT_PROFILER = 125, /* the profiler failed, not the program */
    MP_EXIT_NOT_EXECUTABLE = 126,
    MP_EXIT_NOT_FOUND = 127,
    MP_EXIT_SIGNAL = 128,  /* + its number */
    MP_EXIT_NOTHING = 255, /* no capture, or nothing in it to plot */
};

struct mp_option {
    int key;          /* what `take` gets: the letter, or above 255 when there is none */
    const char *name; /* long name; a table ends with NULL */
    const char *argument; /* its name in the help; NULL: takes none */
    const char *help;
    const char *words; /* the values it takes, "a b c", for completion; NULL: anything */
};

enum mp_operands {
    MP_OPERANDS_NONE,
    MP_OPERANDS_PROFILES, /* files or indices; -1 is an index, not an option */
    MP_OPERANDS_PROGRAM, /* a program and its arguments: parsing stops at the first, or behind
                             -m MODULE or -c CODE */
    MP_OPERANDS_WORD,
};

struct mp_command {
    const char *name;
    const char *synopsis; /* of the operands */
    const char *summary;  /* one line for the list of commands */
    const char *about;    /* the paragraph of its own help */
    enum mp_operands operands;
    const struct mp_option *options;
    /* Takes one option; NULL, or what is wrong with its value. */
    const char *(*take)(void *settings, int key, const char *value);
    size_t settings_size; /* zeroed for `take` and `run` */
    int (*run)(void *settings, int count, char **operands);
};

extern const struct mp_command mp_command_run, mp_command_attach, mp_command_rm,
    mp_command_clean, mp_command_list, mp_command_plot, mp_command_peak, mp_command_heap,
    mp_command_report, mp_command_lines, mp_command_flamegraph, mp_command_table,
    mp_command_help;
extern const struct mp_command *const mp_commands[]; /* ends with NULL */

/* The command of that name, or NULL. */
const struct mp_command *mp_command_find(const char *name);

/* Parses the arguments behind the command's name and runs it; returns the exit code. */
int mp_command_main(const struct mp_command *, int count, char **arguments);

/* "mprof: ..." in one line on stderr, controls made visible; returns MP_EXIT_FAILURE. */
int mp_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same line, for what is no failure. */
void mp_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
