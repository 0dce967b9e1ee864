#include "cmd/help.h"

#include <ctype.h>
#include <string.h>

void mp_help_version(FILE *out)
{
    fprintf(out, "%s\n", MP_VERSION);
}

void mp_help_usage(FILE *out)
{
    fputs("Usage: mprof <command> <options> <arguments>\n\nAvailable commands:\n\n", out);
    for (const struct mp_command *const *at = mp_commands; *at; at++)
        fprintf(out, "    %-10s %s\n", (*at)->name, (*at)->summary);
    fputs("\nType mprof <command> --help for usage help on a specific command.\n"
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
}

/* man(7) wants backslashes, hyphens and leading dots escaped. */
static void put_roff(FILE *out, const char *text)
{
    for (; *text; text++)
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
}

static void put_manual_option(FILE *out, const struct mp_option *option)
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

static void put_manual_command(FILE *out, const struct mp_command *command)
{
    fprintf(out, ".SS mprof %s [options] ", command->name);
    put_roff(out, command->synopsis);
    fputs("\n", out);
    put_roff(out, command->about);
    fputc('\n', out);
    for (const struct mp_option *option = command->options; option->name; option++)
        put_manual_option(out, option);
}

void mp_help_manual(FILE *out)
{
    fprintf(out, ".TH MPROF 1 \"\" \"memory_profiler %s\" \"User Commands\"\n", MP_VERSION);
    fputs(".SH NAME\nmprof \\- record and plot the memory of a program over time\n"
          ".SH SYNOPSIS\n.B mprof\n\\fIcommand\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]\n"
          ".SH COMMANDS\n",
          out);
    for (const struct mp_command *const *at = mp_commands; *at; at++)
        put_manual_command(out, *at);
    fputs(
        ".SH EXIT STATUS\n0 when all went well (also of \\fBmprof run\\fR, whatever the "
        "program did, unless \\fB\\-E\\fR is given); 1 when something failed; 2 for a wrong "
        "option or value; 125 when the profiler itself failed, 126 when the program could not "
        "be executed, 127 when it was not found; 128+n when signal n ended it; 255 when there "
        "was no profile to read.\n"
        ".SH NOTES\nMemory is resident memory (RSS) in MiB unless \\-\\-backend says otherwise. "
        "To see peaks between two samples, \\fBmprof run\\fR resets the kernel's high\\-water "
        "mark of the processes it started; what these processes themselves read from "
        "getrusage(2) as ru_maxrss is then too low. \\-\\-no\\-peak\\-reset leaves it alone.\n"
        ".SH ENVIRONMENT\n.TP\n.B MPROF_PYTHON\nThe interpreter for Python scripts and for "
        "pictures; else the \\fBpython\\fR beside mprof, else \\fBpython3\\fR on the path.\n",
        out);
}

static void put_names(FILE *out)
{
    for (const struct mp_command *const *at = mp_commands; *at; at++)
        fprintf(out, "%s%s", at == mp_commands ? "" : " ", (*at)->name);
}

static void put_bash_options(FILE *out, const struct mp_command *command)
{
    fprintf(out, "    %s) options=\"--help --version", command->name);
    for (const struct mp_option *option = command->options; option->name; option++) {
        if (option->key < 256)
            fprintf(out, " -%c", option->key);
        fprintf(out, " --%s", option->name);
    }
    fputs("\" ;;\n", out);
}

void mp_help_bash(FILE *out)
{
    fputs(
        "# bash completion for mprof\n_mprof() {\n    local word=${COMP_WORDS[COMP_CWORD]} "
        "before=${COMP_WORDS[COMP_CWORD-1]} options\n    if ((COMP_CWORD == 1)); then\n"
        "        COMPREPLY=($(compgen -W \"",
        out);
    put_names(out);
    fputs("\" -- \"$word\"))\n        return\n    fi\n    case $before in\n", out);
    for (const struct mp_command *const *at = mp_commands; *at; at++)
        for (const struct mp_option *option = (*at)->options; option->name; option++)
            if (option->words && strcmp((*at)->name, "attach"))
                fprintf(
                    out,
                    "    --%s) COMPREPLY=($(compgen -W \"%s\" -- \"$word\")); return ;;\n",
                    option->name, option->words);
    fputs("    esac\n    case ${COMP_WORDS[1]} in\n", out);
    for (const struct mp_command *const *at = mp_commands; *at; at++)
        put_bash_options(out, *at);
    fputs("    esac\n    if [[ $word == -* ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
          "    elif [[ ${COMP_WORDS[1]} == @(run|heap) ]]; then\n"
          "        COMPREPLY=($(compgen -c -f -- \"$word\"))\n    else\n"
          "        COMPREPLY=($(compgen -f -X '!*.dat' -- \"$word\";\n"
          "                     compgen -f -X '!*.mprof' -- \"$word\"))\n    fi\n}\n"
          "complete -o filenames -F _mprof mprof\n",
          out);
}

/* Quotes and brackets mean something to zsh. */
static void put_zsh(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else if (strchr("[]:\\", *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

static void put_zsh_option(FILE *out, const char *dashes, const struct mp_option *option)
{
    fprintf(out, "            '%s", dashes);
    if (dashes[1])
        fputs(option->name, out);
    else
        fputc(option->key, out);
    fputc('[', out);
    put_zsh(out, option->help);
    fputc(']', out);
    if (option->argument)
        fprintf(out, ":%s:%s%s%s", option->argument, option->words ? "(" : "_files",
                option->words ? option->words : "", option->words ? ")" : "");
    fputs("' \\\n", out);
}

void mp_help_zsh(FILE *out)
{
    fputs("#compdef mprof\n_mprof() {\n    local -a commands\n    commands=(\n", out);
    for (const struct mp_command *const *at = mp_commands; *at; at++) {
        fprintf(out, "        '%s:", (*at)->name);
        put_zsh(out, (*at)->summary);
        fputs("'\n", out);
    }
    fputs("    )\n    if ((CURRENT == 2)); then\n        _describe command commands\n"
          "        return\n    fi\n    case $words[2] in\n",
          out);
    for (const struct mp_command *const *at = mp_commands; *at; at++) {
        fprintf(out, "        %s) _arguments \\\n", (*at)->name);
        for (const struct mp_option *option = (*at)->options; option->name; option++) {
            put_zsh_option(out, "--", option);
            if (option->key < 256)
                put_zsh_option(out, "-", option);
        }
        fputs("            '*:file:_files' ;;\n", out);
    }
    fputs("    esac\n}\n_mprof \"$@\"\n", out);
}

static void put_fish(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void put_fish_option(FILE *out, const char *command, const struct mp_option *option)
{
    fprintf(out, "complete -c mprof -n '__fish_seen_subcommand_from %s' -l %s", command,
            option->name);
    if (option->key < 256)
        fprintf(out, " -s %c", option->key);
    if (option->words)
        fprintf(out, " -x -a '%s'", option->words);
    else if (option->argument)
        fputs(" -r", out);
    fputs(" -d '", out);
    put_fish(out, option->help);
    fputs("'\n", out);
}

void mp_help_fish(FILE *out)
{
    for (const struct mp_command *const *at = mp_commands; *at; at++) {
        fprintf(out, "complete -c mprof -n __fish_use_subcommand -x -a %s -d '",
                (*at)->name);
        put_fish(out, (*at)->summary);
        fputs("'\n", out);
        for (const struct mp_option *option = (*at)->options; option->name; option++)
            put_fish_option(out, (*at)->name, option);
    }
}
