#include "cmd/shared/python_command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/shared/interpreter.h"

static char minus_m[] = "-m", minus_c[] = "-c", script[] = "--";

/* The option of a word of short ones that takes a value, or NULL: m in -um. */
static char *valued(char *word)
{
    return word[1] == '-' ? NULL : strpbrk(word + 1, "mcXW");
}

/* The first word that is not an option of the interpreter alone. */
static int interpreter_options(int count, char **words)
{
    int at = 1;
    for (; at < count && words[at][0] == '-' && words[at][1]; at++) {
        char *letter = valued(words[at]);
        if ((letter && strchr("mc", *letter)) || !strcmp(words[at], script))
            break;
        at += letter ? !letter[1] : !strcmp(words[at], "--check-hash-based-pycs");
    }
    return at < count ? at : count;
}

/* The words of the command that is being written, and those of the user's not yet used. */
struct writer {
    char **to, **from;
};

static void put(struct writer *writer, char *word)
{
    *writer->to++ = word;
}

/* -um MODULE is -u, then our module, then -m MODULE. Returns what introduces the program. */
static char *put_last_options(struct writer *writer)
{
    char *word = *writer->from, *letter = word[0] == '-' && word[1] ? valued(word) : NULL;
    if (!letter) {
        writer->from += !strcmp(word, script);
        return script;
    }
    char *option = *letter == 'm' ? minus_m : minus_c;
    if (letter[1])
        *writer->from = letter + 1;
    else
        writer->from++;
    *letter = 0;
    if (letter > word + 1)
        put(writer, word);
    return option;
}

/* What python's command line says before the program, without the interpreter's name.
   Returns what introduces the program, or NULL when none follows. */
static char *put_options(struct writer *writer, int count)
{
    char **end = writer->from + count, *kind = NULL;
    char **last = writer->from + interpreter_options(count, writer->from);
    for (writer->from++; writer->from < last; writer->from++)
        put(writer, *writer->from);
    if (last < end)
        kind = put_last_options(writer);
    return writer->from < end ? kind : NULL;
}

char *mp_python_script(int count, char **words)
{
    int at = interpreter_options(count, words);
    at += at < count && !strcmp(words[at], script);
    return at < count && (words[at][0] != '-' || !strcmp(words[at - 1], script)) ? words[at]
                                                                                 : NULL;
}

bool mp_python_code(int count, char **words)
{
    int at = interpreter_options(count, words);
    const char *letter = at < count && words[at][0] == '-' ? valued(words[at]) : NULL;
    return letter && *letter == 'c';
}

char **mp_python_command(char *interpreter, char *const *runner,
                         const struct mp_python_program *program)
{
    size_t length = 0;
    while (runner[length])
        length++;
    char **line = calloc((size_t)program->count + length + 5, sizeof *line);
    char **end = program->words + program->count;
    char *kind = program->module ? minus_m : program->code ? minus_c : NULL;
    struct writer writer = {line, program->words};
    if (!line)
        return NULL;
    put(&writer, interpreter);
    if (!kind && mp_interpreter_is(program->words[0])) {
        kind = put_options(&writer, program->count);
        if (!kind) {
            free(line);
            errno = ENOENT;
            return NULL;
        }
    }
    while (*runner)
        put(&writer, *runner++);
    if (kind)
        put(&writer, kind);
    if (program->module || program->code)
        put(&writer, program->module ? program->module : program->code);
    while (writer.from < end)
        put(&writer, *writer.from++);
    return line;
}
