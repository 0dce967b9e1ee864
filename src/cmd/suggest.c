#include "cmd/suggest.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/shared/command.h"
#include "cmd/shared/interpreter.h"
#include "cmd/shared/write_page.h"

enum { LONGEST = 15, FAR = 3 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters to change, add, drop or swap with the next; FAR for words that are long. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[LONGEST + 1][LONGEST + 1] = {{0}}, m = strlen(a), n = strlen(b);
    if (m > LONGEST || n > LONGEST)
        return FAR;
    for (size_t i = 0; i <= m; i++)
        for (size_t j = 0; j <= n; j++) {
            if (!i || !j) {
                rows[i][j] = i + j;
                continue;
            }
            bool same = a[i - 1] == b[j - 1];
            rows[i][j] = least(least(rows[i - 1][j], rows[i][j - 1]) + 1,
                               rows[i - 1][j - 1] + !same);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                rows[i][j] = least(rows[i][j], rows[i - 2][j - 2] + 1);
        }
    return rows[m][n];
}

/* The command that begins so, if one alone does; else the nearest, if it is near. */
static const char *nearest(const char *word)
{
    const char *near = NULL, *begins = NULL;
    size_t best = least(FAR, strlen(word)), beginning = 0;
    for (const struct mp_command *const *at = mp_commands; *at; at++) {
        size_t far = distance(word, (*at)->name);
        if (!strncmp((*at)->name, word, strlen(word)) && *word) {
            begins = (*at)->name;
            beginning++;
        }
        if (far < best) {
            best = far;
            near = (*at)->name;
        }
    }
    return beginning == 1 ? begins : near;
}

/* A file that is there, or a command as a shell finds it. */
static bool is_program(const char *word)
{
    char *found = mp_path_search(word, X_OK);
    bool there = found || !access(word, F_OK);
    free(found);
    return there || mp_has_suffix(word, ".py");
}

int mp_suggest(const char *word)
{
    const char *near = nearest(word);
    bool program = is_program(word), begins = near && !strncmp(near, word, strlen(word));
    if (near && (begins || !program || distance(word, near) < 2))
        mp_fail("no command '%s': did you mean 'mprof %s'? bare 'mprof' lists all", word,
                near);
    else if (program)
        mp_fail("no command '%s': did you mean 'mprof run %s' (its memory over time) or "
                "'mprof heap %s' (by line)?",
                word, word, word);
    else
        mp_fail("no command '%s'; bare 'mprof' lists them", word);
    return MP_EXIT_USAGE;
}
