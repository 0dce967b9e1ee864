#include "cmd/help.h"

#include <ctype.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/examples.h"

void mp_help_version(FILE *out)
{
    fprintf(out, "%s\n", MP_VERSION);
}

/* What the commands from each of these on, up to the next, are about. */
static const struct {
    const struct mp_command *first;
    const char *title;
} groups[] = {
    {&mp_command_run, "Memory over time, of any program"},
    {&mp_command_heap, "Memory by line and call stack, of a Python program"},
    {&mp_command_list, "The files that both record into"},
};

static void put_title(FILE *out, const struct mp_command *command)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (groups[i].first == command)
            fprintf(out, "\n  %s:\n\n", groups[i].title);
}

void mp_help_usage(FILE *out)
{
    fputs("Usage: mprof <command> <options> <arguments>\n\nAvailable commands:\n", out);
    for (const struct mp_command *const *at = mp_commands; *at; at++) {
        put_title(out, *at);
        fprintf(out, "    %-10s %s\n", (*at)->name, (*at)->summary);
    }
    fputs("\nExamples:\n\n"
          "    mprof run script.py && mprof plot      the curve, in the browser\n"
          "    mprof heap script.py && mprof report   the lines that hold the peak\n"
          "    mprof attach 1234                      a process that is running already\n"
          "\nType mprof <command> --help for usage help on a specific command.\n"
          "For example, mprof plot --help will list all plotting options.\n",
          out);
}

/* Words of `text` from column `column` on, broken before column 79. */
static void put_wrapped(FILE *out, const char *text, int column)
{
    int at = column;
    for (bool first = true; *text; first = false) {
        int length = (int)strcspn(text, " ");
        bool fits = at + !first + length <= 79;
        if (!first && !fits)
            fprintf(out, "\n%*s", column, "");
        at = first || !fits ? column : at + 1;
        at += fprintf(out, "%s%.*s", first || !fits ? "" : " ", length, text) -
              (!first && fits);
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void put_option(FILE *out, const struct mp_option *option)
{
    char left[80];
    const char *argument = option->argument ? option->argument : "";
    const char *equals = option->argument ? " " : "";
    if (option->key < 256)
        snprintf(left, sizeof left, "  -%c, --%s%s%s", option->key, option->name, equals,
                 argument);
    else
        snprintf(left, sizeof left, "      --%s%s%s", option->name, equals, argument);
    int width = fprintf(out, "%-28s", left);
    if (width > 28)
        fprintf(out, "\n%28s", "");
    put_wrapped(out, option->help, 28);
}

void mp_help_command(FILE *out, const struct mp_command *command)
{
    fprintf(out, "usage: mprof %s [options]%s%s\n\n", command->name,
            *command->synopsis ? " " : "", command->synopsis);
    put_wrapped(out, command->about, 0);
    fputs("\noptions:\n", out);
    for (const struct mp_option *option = command->options; option->name; option++)
        put_option(out, option);
    put_option(out,
               &(struct mp_option){'h', "help", NULL, "show this help and exit", NULL});
    put_option(out, &(struct mp_option){MP_KEY_VERSION, "version", NULL,
                                        "show the version and exit", NULL});
    const struct mp_example *example = mp_examples_of(command);
    if (example)
        fputs("\nexamples:\n", out);
    for (; example && example->type; example++)
        fprintf(out, "  %s\n      %s\n", example->type, example->does);
}
