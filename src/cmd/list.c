/* mprof list: the recordings of this directory, numbered as the other commands take them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "aggregate/heap_command.h"
#include "base/escape.h"
#include "cmd/command.h"
#include "cmd/profiles.h"
#include "store/heap_read.h"
#include "store/heap_run.h"

enum { KEY_JSON = 256, PROGRAM = 60 /* bytes that are shown of a command */ };

struct settings {
    bool json;
};

static const struct mp_option options[] = {
    {KEY_JSON, "json", NULL, "print JSON", NULL},
    {0},
};

static const char *take(void *to, int key, const char *value)
{
    (void)value;
    ((struct settings *)to)->json |= key == KEY_JSON;
    return NULL;
}

/* The captures of a heap capture's children that are there. */
static size_t count_children(const char *name)
{
    struct mp_heap_children children = {0};
    size_t count = 0;
    if (mp_profiles_is_heap(name) && !mp_heap_children_find(&children, name))
        count = children.count;
    mp_heap_children_release(&children);
    return count;
}

/* Of a heap capture, what the classic did not have: the program, how many children it had, and
   that its figures are estimates. */
static void print_program(const char *name)
{
    char words[MP_HEAP_COMMAND], command[MP_HEAP_COMMAND];
    size_t children = count_children(name), length;
    mp_heap_words(name, words);
    mp_heap_command(command, words);
    length = strlen(command);
    printf("  ");
    mp_escape_terminal(stdout, command, length < PROGRAM ? length : PROGRAM, false);
    printf("%s", length < PROGRAM ? "" : "...");
    if (children)
        printf(", %zu %s", children, children == 1 ? "child" : "children");
    if (mp_heap_sample(name))
        fputs(", sampled", stdout);
}

/* hh:mm:ss dd/mm/yyyy, from the digits of the name. */
static void print_line(size_t index, const char *name)
{
    const char *d = mp_profiles_stamp(name);
    printf("%zu ", index);
    mp_escape_terminal(stdout, name, strlen(name), false);
    printf(" %.2s:%.2s:%.2s %.2s/%.2s/%.4s", d + 8, d + 10, d + 12, d + 6, d + 4, d);
    if (mp_profiles_is_heap(name))
        print_program(name);
    putchar('\n');
}

static void print_json(size_t index, const char *name, bool more)
{
    const char *d = mp_profiles_stamp(name);
    struct stat status = {0};
    stat(name, &status);
    printf("  {\"index\": %zu, \"kind\": \"%s\", \"file\": ", index,
           mp_profiles_is_heap(name) ? "heap" : "timeline");
    mp_escape_json(stdout, name, strlen(name));
    printf(", \"started\": \"%.4s-%.2s-%.2sT%.2s:%.2s:%.2s\", \"size\": %lld", d, d + 4,
           d + 6, d + 8, d + 10, d + 12, (long long)status.st_size);
    if (mp_profiles_is_heap(name))
        printf(", \"children\": %zu, \"sample\": %" PRIu64, count_children(name),
               mp_heap_sample(name));
    printf("}%s\n", more ? "," : "");
}

static int run(void *from, int count, char **operands)
{
    const struct settings *settings = from;
    struct mp_profiles profiles;
    (void)count;
    (void)operands;
    if (mp_profiles_list(&profiles))
        return mp_fail("cannot list the current directory: %s", strerror(errno));
    if (settings->json)
        puts("[");
    for (size_t i = 0; i < profiles.count; i++)
        if (settings->json)
            print_json(i, profiles.names[i], i + 1 < profiles.count);
        else
            print_line(i, profiles.names[i]);
    if (settings->json)
        puts("]");
    mp_profiles_release(&profiles);
    return MP_EXIT_OK;
}

const struct mp_command mp_command_list = {
    "list",
    "",
    "display existing profiles, with indices",
    "Lists the recordings of the current directory that have a default name, oldest first: "
    "timelines of mprof run, then heap captures.",
    MP_OPERANDS_NONE,
    options,
    take,
    sizeof(struct settings),
    run,
};
