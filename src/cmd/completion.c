/* What Tab completes in bash, zsh and fish: commands, their options, the values that these take,
   and what stands behind them: recordings, a program, a command. */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/help.h"

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
          "    elif [[ ${COMP_WORDS[1]} == help ]]; then\n"
          "        COMPREPLY=($(compgen -W \"",
          out);
    put_names(out);
    fputs("\" -- \"$word\"))\n    elif [[ ${COMP_WORDS[1]} == @(run|heap) ]]; then\n"
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

/* What stands behind the options, in the words of _arguments. */
static const char *zsh_operands(const struct mp_command *command)
{
    if (!strcmp(command->name, "help"))
        return "            '1:command: _describe command commands' ;;\n";
    switch (command->operands) {
    case MP_OPERANDS_PROGRAM:
        return "            '1:program:_files' '*::argument:_files' ;;\n";
    case MP_OPERANDS_PROFILES:
        return "            '*:recording:_files -g \"*.(dat|mprof)\"' ;;\n";
    case MP_OPERANDS_NONE:
        return "            ;;\n";
    default:
        return "            '*:process:_pids' ;;\n";
    }
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
          "        return\n    fi\n    local command=$words[2]\n    shift words\n"
          "    ((CURRENT--))\n    case $command in\n",
          out);
    for (const struct mp_command *const *at = mp_commands; *at; at++) {
        fprintf(out, "        %s) _arguments \\\n", (*at)->name);
        for (const struct mp_option *option = (*at)->options; option->name; option++) {
            put_zsh_option(out, "--", option);
            if (option->key < 256)
                put_zsh_option(out, "-", option);
        }
        fputs(zsh_operands(*at), out);
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
    fputs("complete -c mprof -n '__fish_seen_subcommand_from help' -x -a '", out);
    put_names(out);
    fputs("'\n", out);
}
