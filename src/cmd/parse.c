#include "cmd/parse.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/help.h"

enum { MOST_OPTIONS = 40 };

static const char index_mark = '\1';

/* getopt's own tables, from ours. */
struct parser {
    struct option longs[MOST_OPTIONS + 3];
    char shorts[2 * MOST_OPTIONS + 8];
};

static void add_long(struct option *at, const char *name, bool argument, int key)
{
    *at = (struct option){name, argument ? required_argument : no_argument, NULL, key};
}

static void build(struct parser *parser, const struct mp_command *command)
{
    char *letter = parser->shorts;
    struct option *at = parser->longs;
    if (command->operands == MP_OPERANDS_PROGRAM)
        *letter++ = '+';
    *letter++ = ':';
    *letter++ = 'h';
    for (const struct mp_option *option = command->options; option->name; option++) {
        add_long(at++, option->name, option->argument, option->key);
        if (option->key > 255)
            continue;
        *letter++ = (char)option->key;
        if (option->argument)
            *letter++ = ':';
    }
    add_long(at++, "help", false, 'h');
    add_long(at++, "version", false, MP_KEY_VERSION);
    *at = (struct option){0};
    *letter = 0;
}

static bool is_index(const char *text)
{
    return text[0] == '-' && text[1] && !text[1 + strspn(text + 1, "0123456789")];
}

/* "-3" is the third profile from the end, which getopt must not see as an option. One block, which
   the words lie behind: getopt changes their order. */
static char **protect_indices(int count, char **arguments)
{
    size_t size = ((size_t)count + 1) * sizeof(char *), at = size;
    for (int i = 0; i < count; i++)
        size += strlen(arguments[i]) + 2;
    char **copy = calloc(1, size);
    bool open = true;
    for (int i = 0; copy && i < count; i++) {
        open = open && strcmp(arguments[i], "--");
        copy[i] = (char *)copy + at;
        at += (size_t)sprintf(copy[i], open && is_index(arguments[i]) ? "\1%s" : "%s",
                              arguments[i]) +
              1;
    }
    return copy;
}

static char *bare(char *text)
{
    return text && *text == index_mark ? text + 1 : text;
}

static int complain(const struct mp_command *command, const char *format, const char *what)
{
    char *text = NULL;
    if (asprintf(&text, format, what) < 0)
        return MP_EXIT_USAGE;
    mp_fail("%s: %s; see 'mprof help %s'", command->name, text, command->name);
    free(text);
    return MP_EXIT_USAGE;
}

/* -1 to go on, else the exit code. */
static int take_option(const struct mp_command *command, void *settings, int key,
                       char **arguments)
{
    char letter[3] = {'-', (char)optopt, 0};
    const char *given = optopt > 0 && optopt < 256 ? letter : arguments[optind - 1];
    if (key == 'h' || key == MP_KEY_VERSION) {
        key == 'h' ? mp_help_command(stdout, command) : mp_help_version(stdout);
        return MP_EXIT_OK;
    }
    if (key == '?')
        return complain(command, "unknown option '%s'", given);
    if (key == ':')
        return complain(command, "option '%s' needs a value", given);
    if (key == 'o' && !*optarg)
        return complain(command, "option '%s' needs the name of a file", "-o");
    const char *wrong = command->take(settings, key, bare(optarg));
    if (!wrong)
        return -1;
    char *text = NULL;
    if (asprintf(&text, "%s: '%s'", wrong, optarg ? bare(optarg) : "") < 0)
        return MP_EXIT_USAGE;
    int code = complain(command, "%s", text);
    free(text);
    return code;
}

static int check_operands(const struct mp_command *command, int count, char **operands)
{
    if (command->operands == MP_OPERANDS_NONE && count > 0)
        return complain(command, "takes no argument, was given '%s'", operands[0]);
    if (command->operands == MP_OPERANDS_WORD && count > 1)
        return complain(command, "takes one argument, was also given '%s'", operands[1]);
    return -1;
}

/* Up to the first operand; -1 to go on, else the exit code. */
static int take_options(const struct mp_command *command, const struct parser *parser,
                        void *settings, int count, char **given)
{
    int key, code = -1;
    while (code < 0 &&
           (key = getopt_long(count, given, parser->shorts, parser->longs, NULL)) != -1) {
        code = take_option(command, settings, key, given);
        if ((key == 'm' || key == 'c') && command->operands == MP_OPERANDS_PROGRAM)
            break;
    }
    return code;
}

/* What is behind a first operand that is no program: options, then the operand is the last word. */
static int take_more(const struct mp_command *command, const struct parser *parser,
                     void *settings, int count, char **given)
{
    char *operand = given[optind++];
    int code = take_options(command, parser, settings, count, given);
    given[--optind] = operand;
    return code;
}

static int parse_and_run(const struct mp_command *command, void *settings, int count,
                         char **given)
{
    struct parser parser;
    build(&parser, command);
    opterr = 0;
    optind = 1;
    int code = take_options(command, &parser, settings, count, given);
    if (code < 0 && command->goes_on && optind + 1 < count &&
        command->goes_on(given[optind]))
        code = take_more(command, &parser, settings, count, given);
    if (code < 0)
        code = check_operands(command, count - optind, given + optind);
    for (int i = optind; code < 0 && i < count; i++)
        given[i] = bare(given[i]);
    return code < 0 ? command->run(settings, count - optind, given + optind) : code;
}

int mp_command_main(const struct mp_command *command, int count, char **arguments)
{
    bool has_indices = command->operands == MP_OPERANDS_PROFILES;
    char **protected = has_indices ? protect_indices(count, arguments) : NULL;
    void *settings = calloc(1, command->settings_size + 1);
    int code =
        settings && (protected || !has_indices)
            ? parse_and_run(command, settings, count, protected ? protected : arguments)
            : mp_fail("out of memory");
    free(protected);
    free(settings);
    return code;
}
