/* The manual pages: mprof(1) and one for each command, in man(7) macros. */
#include <ctype.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/examples.h"
#include "cmd/help.h"

/* Backslashes and hyphens are escaped, and what would be a request at the head of a line. */
static void put_roff(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text; text++)
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
}

static void put_head(FILE *out, const char *name)
{
    fputs(".TH MPROF", out);
    if (name)
        fputs("\\-", out);
    for (; name && *name; name++)
        fputc(toupper((unsigned char)*name), out);
    fprintf(out, " 1 \"\" \"memory_profiler %s\" \"User Commands\"\n.ad l\n.nh\n.SH NAME\n",
            MP_VERSION);
}

static void put_option(FILE *out, const struct mp_option *option)
{
    fputs(".TP\n.B ", out);
    if (option->key < 256)
        fprintf(out, "\\-%c, ", option->key);
    fputs("\\-\\-", out);
    put_roff(out, option->name);
    if (option->argument)
        fprintf(out, " \\fI%s\\fR", option->argument);
    fputc('\n', out);
    put_roff(out, option->help);
    fputc('\n', out);
}

static void put_examples(FILE *out, const struct mp_example *example)
{
    if (!example)
        return;
    fputs(".SH EXAMPLES\n", out);
    for (; example->type; example++) {
        fputs(".TP\n.B ", out);
        put_roff(out, example->type);
        fputc('\n', out);
        put_roff(out, example->does);
        fputc('\n', out);
    }
}

/* All commands but `without`, and what else there is to read. */
static void put_see_also(FILE *out, const struct mp_command *without)
{
    fputs(".SH SEE ALSO\n", out);
    if (without)
        fputs(".BR mprof (1),\n", out);
    for (const struct mp_command *const *at = mp_commands; *at; at++)
        if (*at != without)
            fprintf(out, ".BR mprof\\-%s (1)%s\n", (*at)->name,
                    at[1] && (at[1] != without || at[2]) ? "," : "");
}

static void put_exit_status(FILE *out)
{
    fputs(
        ".SH EXIT STATUS\n0 when all went well (also of \\fBmprof run\\fR, whatever the "
        "program did, unless \\fB\\-E\\fR is given); 1 when something failed; 2 for a wrong "
        "option or value; 125 when the profiler itself failed, 126 when the program could not "
        "be executed, 127 when it was not found; 128+n when signal n ended it; 255 when there "
        "was no profile to read.\n",
        out);
}

void mp_help_manual_of(FILE *out, const struct mp_command *command)
{
    put_head(out, command->name);
    fprintf(out, "mprof\\-%s \\- ", command->name);
    put_roff(out, command->summary);
    fprintf(out, "\n.SH SYNOPSIS\n.B mprof %s\n[\\fIoptions\\fR] ", command->name);
    put_roff(out, command->synopsis);
    fputs("\n.SH DESCRIPTION\n", out);
    put_roff(out, command->about);
    fputs("\n.SH OPTIONS\n", out);
    for (const struct mp_option *option = command->options; option->name; option++)
        put_option(out, option);
    put_option(out,
               &(struct mp_option){'h', "help", NULL, "show a short help and exit", NULL});
    put_option(out, &(struct mp_option){MP_KEY_VERSION, "version", NULL,
                                        "show the version and exit", NULL});
    put_examples(out, mp_examples_of(command));
    put_exit_status(out);
    put_see_also(out, command);
}

void mp_help_manual(FILE *out)
{
    put_head(out, NULL);
    fputs("mprof \\- memory of programs over time, by line and by call stack\n"
          ".SH SYNOPSIS\n.B mprof\n\\fIcommand\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]\n"
          ".SH COMMANDS\nEach has a page of its own: \\fBman mprof\\-run\\fR, or \\fBmprof "
          "help run\\fR.\n",
          out);
    for (const struct mp_command *const *at = mp_commands; *at; at++) {
        fprintf(out, ".TP\n.BR mprof\\-%s (1)\n", (*at)->name);
        put_roff(out, (*at)->summary);
        fputc('\n', out);
    }
    fputs(".SH EXAMPLES\n"
          ".TP\n.B mprof run script.py && mprof plot\nthe curve, in the browser\n"
          ".TP\n.B mprof heap script.py && mprof report\nthe lines that hold the peak\n"
          ".TP\n.B mprof heap 4711\na process that is running already\n",
          out);
    put_exit_status(out);
    fputs(
        ".SH NOTES\nMemory is resident memory (RSS) in MiB unless \\-\\-backend says "
        "otherwise. "
        "To see peaks between two samples, \\fBmprof run\\fR resets the kernel's high\\-water "
        "mark of the processes it started; what these processes themselves read from "
        "getrusage(2) as ru_maxrss is then too low. \\-\\-no\\-peak\\-reset leaves it alone.\n"
        ".SH ENVIRONMENT\n.TP\n.B MPROF_PYTHON\nThe interpreter for Python scripts and for "
        "pictures; else the \\fBpython\\fR beside mprof, else \\fBpython3\\fR on the path.\n"
        ".TP\n.B MPROF_MINE\nWhich code is yours, for the reports: patterns with colons "
        "between, ! before those that are not.\n"
        ".TP\n.B MPROF_PAGER\\fR, \\fBPAGER\nWhat text longer than the terminal goes "
        "through; empty: nothing.\n"
        ".TP\n.B NO_COLOR\\fR, \\fBCLICOLOR_FORCE\nNo bold text; bold text in a pipe, "
        "too.\n",
        out);
    put_see_also(out, NULL);
}
