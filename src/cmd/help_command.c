/* mprof help [COMMAND], and what packages install: the manual page and the completions. */
#include <string.h>

#include "cmd/help.h"
#include "cmd/shared/command.h"
#include "cmd/suggest.h"

enum { KEY_MANUAL = 256, KEY_COMPLETION };

struct settings {
    bool manual;
    const char *shell;
};

static const struct mp_option options[] = {
    {KEY_MANUAL, "man", NULL,
     "print the manual page of mprof or of the command, for man(1)", NULL},
    {KEY_COMPLETION, "completion", "SHELL", "print the completions of bash, zsh or fish",
     "bash zsh fish"},
    {0},
};

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    settings->manual |= key == KEY_MANUAL;
    if (key == KEY_COMPLETION) {
        settings->shell = value;
        if (strcmp(value, "bash") && strcmp(value, "zsh") && strcmp(value, "fish"))
            return "no completions for this shell";
    }
    return NULL;
}

static int run(void *from, int count, char **operands)
{
    const struct settings *settings = from;
    const struct mp_command *command = count ? mp_command_find(operands[0]) : NULL;
    if (count && !command)
        return mp_suggest(operands[0]);
    if (settings->manual && command)
        mp_help_manual_of(stdout, command);
    else if (settings->manual)
        mp_help_manual(stdout);
    else if (settings->shell)
        (*settings->shell == 'b'   ? mp_help_bash
         : *settings->shell == 'z' ? mp_help_zsh
                                   : mp_help_fish)(stdout);
    else if (command)
        mp_help_command(stdout, command);
    else
        mp_help_usage(stdout);
    return MP_EXIT_OK;
}

const struct mp_command mp_command_help = {
    "help",
    "[command]",
    "explain mprof or one of its commands",
    "Explains a command, or lists them all.",
    MP_OPERANDS_WORD,
    options,
    take,
    sizeof(struct settings),
    run,
};
