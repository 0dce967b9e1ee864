/* mprof mark: a moment of a program that runs, kept by name in its heap capture. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/array.h"
#include "base/escape.h"
#include "cmd/heap/asking.h"
#include "cmd/heap/choice.h"
#include "cmd/shared/command.h"
#include "store/heap/request.h"
#include "store/heap/run.h"

enum { WAITS = 40, PAUSE = 5000000 /* ns: a fifth of a second together */ };

/* A capture that was asked for a mark. */
struct asked {
    char *path;                    /* owned, as the next */
    struct mp_heap_asking *asking; /* stays where it is */
    bool ended;                    /* the mark was taken, or cannot be */
};

struct marking {
    const char *name;
    struct asked *asked; /* owned */
    size_t count, room;
};

static const struct mp_option options[] = {{0}};

static const char *take(void *to, int key, const char *value)
{
    (void)to, (void)key, (void)value;
    return NULL;
}

/* Takes the path over. Of a child one that has ended is no problem. */
static int ask(struct marking *marking, char *path, bool child)
{
    struct mp_heap_asking *asking = calloc(1, sizeof *asking);
    if (!path || !asking ||
        mp_array_reserve((void **)&marking->asked, &marking->room, marking->count + 1,
                         sizeof *marking->asked)) {
        free(asking);
        free(path);
        return mp_fail("out of memory");
    }
    enum mp_heap_asking_problem problem = mp_heap_ask(asking, path, marking->name);
    if (!problem) {
        marking->asked[marking->count++] = (struct asked){.path = path, .asking = asking};
        return 0;
    }
    int code = child && problem == MP_HEAP_ASKING_OVER
                   ? 0
                   : mp_heap_asking_fail(problem, path, "mark");
    mp_heap_asking_release(asking);
    free(asking);
    free(path);
    return code;
}

/* A first process's mark is its children's too. */
static int ask_all(struct marking *marking, const char *path)
{
    struct mp_heap_children children;
    int code = ask(marking, strdup(path), false);
    if (code || mp_heap_is_childs(path))
        return code;
    if (mp_heap_children_find(&children, path, 0))
        code = mp_fail("cannot look for the captures of the children of %s", path);
    for (size_t i = 0; i < children.count && !code; i++)
        code = ask(marking, strdup(children.paths[i]), true);
    mp_heap_children_release(&children);
    return code;
}

static void put(const struct asked *asked, const char *name)
{
    mp_escape_terminal(stdout, asked->path, strlen(asked->path), false);
    fputs(": mark ", stdout);
    mp_escape_terminal(stdout, name, strlen(name), false);
}

/* Once it is answered, or nobody will. */
static int say_end(struct asked *asked, const char *name)
{
    int64_t taken;
    if (mp_heap_asking_is_answered(asked->asking, &taken)) {
        asked->ended = true;
        if (taken < 0)
            return mp_fail("%s has no room for one more mark", asked->path);
        put(asked, name);
        printf(" at %.3f s\n", (double)taken / 1e9);
    } else if (mp_heap_asking_is_over(asked->asking)) {
        asked->ended = true;
        return mp_fail("%s: the program ended before the mark was taken", asked->path);
    }
    return 0;
}

/* Until something is changed it is what is there, and readers know it. */
static void say_waiting(const struct asked *asked, const char *name)
{
    int64_t when;
    mp_heap_asking_is_answered(asked->asking, &when);
    put(asked, name);
    printf(
        " at %.3f s, as the heap is now: nothing that is recorded changes; it is kept before "
        "something does\n",
        (double)when / 1e9);
}

static int wait_for_all(struct marking *marking)
{
    int code = 0;
    size_t left = marking->count;
    for (int i = 0; i < WAITS && left; i++) {
        nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
        for (size_t at = 0; at < marking->count; at++) {
            struct asked *asked = &marking->asked[at];
            if (asked->ended)
                continue;
            code |= say_end(asked, marking->name);
            left -= asked->ended;
        }
    }
    for (size_t at = 0; at < marking->count; at++)
        if (!marking->asked[at].ended)
            say_waiting(&marking->asked[at], marking->name);
    return code;
}

static void release(struct marking *marking)
{
    for (size_t i = 0; i < marking->count; i++) {
        mp_heap_asking_release(marking->asked[i].asking);
        free(marking->asked[i].asking);
        free(marking->asked[i].path);
    }
    free(marking->asked);
}

/* As heap.mark() takes them. */
static bool is_name(const char *name)
{
    size_t length = strlen(name);
    for (const char *at = name; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            return false;
    return length >= 1 && length <= MP_HEAP_MARK;
}

static int run(void *settings, int count, char **operands)
{
    (void)settings;
    if (count < 1 || count > 2 || !is_name(operands[0])) {
        mp_fail(
            count < 1 || count > 2
                ? "mark: takes the name of a mark, and a process or its capture; see 'mprof "
                  "help mark'"
                : "mark: a name has 1 to 64 bytes that can be printed; see 'mprof help "
                  "mark'");
        return MP_EXIT_USAGE;
    }
    int64_t pid;
    char *path = mp_heap_choose_recorded(count > 1 ? operands[1] : NULL, &pid);
    if (!path)
        return MP_EXIT_FAILURE;
    struct marking marking = {.name = operands[0]};
    int code = ask_all(&marking, path);
    if (marking.count)
        code |= wait_for_all(&marking);
    release(&marking);
    free(path);
    return code;
}

const struct mp_command mp_command_mark = {
    "mark",
    "NAME [pid|file]",
    "keep this moment of a program that runs, in its heap capture",
    "Keeps what a program that 'mprof heap' or heap.track() records holds at this moment, as a mark "
    "of this name: 'mprof report --at NAME' shows it, '--since NAME' what grew since. The program is "
    "named by its process or its capture (the newest here when neither is given); its children are "
    "marked with it. It is not stopped: a mark is kept as it next changes what is recorded of its heap, of what was "
    "there before; until then it is what is there now.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    1,
    run,
};
