#include "aggregate/heap/command.h"

#include <stdbool.h>
#include <string.h>

static const char *next_word(const char *word, const char *end)
{
    const char *nul = memchr(word, 0, (size_t)(end - word));
    return nul ? nul + 1 : end;
}

/* The program's words, without those that `mprof heap` put before them. */
static const char *skip_runner(const char *from, const char *end)
{
    for (const char *word = from; word < end; word = next_word(word, end)) {
        if (strcmp(word, "memory_profiler._heap_run") != 0)
            continue;
        const char *program = next_word(next_word(word, end), end);
        bool marked = program < end && !strcmp(program, "--");
        return marked ? next_word(program, end) : program;
    }
    return from;
}

void mp_heap_command(char to[MP_HEAP_COMMAND], const char from[MP_HEAP_COMMAND])
{
    const char *end = from + MP_HEAP_COMMAND - 1;
    while (end > from && !end[-1])
        end--;
    if (*end)
        end = from; /* it has no end, and is nobody's */
    from = skip_runner(from, end);
    size_t length = (size_t)(end - from);
    for (size_t i = 0; i < length; i++)
        to[i] = from[i] ? from[i] : ' ';
    to[length] = 0;
}
