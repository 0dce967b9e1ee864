/* What a command of mprof is, and how it says what is wrong.
 *
 * A command is one file: a `const struct mp_command` with its option table and the function
 * that runs it. Options arrive one by one in the command's own `take`.
 */
#ifndef MP_CMD_SHARED_COMMAND_H
#define MP_CMD_SHARED_COMMAND_H

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
    /* Whether options may follow a first operand that is no program after all; NULL: never. */
    bool (*goes_on)(const char *operand);
};

/* One table says what mprof can do: parsing, help, the manual page and the completions of three
   shells all come from it. Ends with NULL; main() sets it. */
extern const struct mp_command *const *mp_commands;

/* The command of that name, or NULL. */
const struct mp_command *mp_command_find(const char *name);

/* "mprof: ..." in one line on stderr, controls made visible; returns MP_EXIT_FAILURE. */
int mp_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same line for an output that cannot be had, by errno: "cannot write FILE: it exists and is
   not a page of ours; --force replaces it". */
int mp_fail_output(const char *verb, const char *path, const char *kind);

/* The same line, for what is no failure. */
void mp_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
