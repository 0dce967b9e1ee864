/* mprof list: the recordings of this directory, numbered as the other commands take them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/escape.h"
#include "cmd/recordings/list_entry.h"
#include "cmd/recordings/list_table.h"
#include "cmd/shared/command.h"
#include "cmd/shared/default_names.h"
#include "cmd/shared/profiles.h"
#include "cmd/shared/screen.h"
#include "store/heap/read.h"

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

/* Of a heap capture, what the classic did not have: the program, how many children it had, and
   that its figures are estimates. */
static void print_program(const char *name)
{
    char *command = mp_entry_program(name);
    size_t children = mp_entry_children(name), length = command ? strlen(command) : 0;
    printf("  ");
    mp_escape_terminal(stdout, command ? command : "", length < PROGRAM ? length : PROGRAM,
                       false);
    free(command);
    printf("%s", length < PROGRAM ? "" : "...");
    if (children)
        printf(", %zu %s", children, children == 1 ? "child" : "children");
    struct mp_heap_header header;
    if (mp_heap_peek(name, &header) && header.sample)
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

static void put_number(const char *key, int64_t number)
{
    if (number < 0)
        printf(", \"%s\": null", key);
    else
        printf(", \"%s\": %" PRId64, key, number);
}

static void put_started(const struct mp_entry *entry)
{
    char text[32] = "";
    struct tm when;
    time_t seconds = (time_t)(entry->started / 1000000000);
    if (mp_profiles_is_listed(entry->name)) {
        const char *d = mp_profiles_stamp(entry->name);
        snprintf(text, sizeof text, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s", d, d + 4, d + 6, d + 8,
                 d + 10, d + 12);
    } else if (entry->started && localtime_r(&seconds, &when)) {
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &when);
    }
    printf(*text ? ", \"started\": \"%s\"" : ", \"started\": null", text);
}

static void print_json(size_t index, const struct mp_entry *entry, bool more)
{
    struct stat status = {0};
    stat(entry->name, &status);
    printf("  {\"index\": %zu, \"kind\": \"%s\", \"file\": ", index,
           entry->heap ? "heap" : "timeline");
    mp_escape_json(stdout, entry->name, strlen(entry->name));
    put_started(entry);
    printf(", \"size\": %lld, \"command\": ", (long long)status.st_size);
    const char *command = entry->command;
    if (command)
        mp_escape_json(stdout, command, strlen(command));
    else
        fputs("null", stdout);
    put_number("peak", entry->peak);
    put_number("duration", entry->duration);
    if (entry->heap)
        printf(", \"children\": %zu, \"sample\": %" PRIu64, entry->children, entry->sample);
    printf("}%s\n", more ? "," : "");
}

static int print_entries(const struct mp_profiles *profiles, bool json)
{
    struct mp_entry *entries = calloc(profiles->count + 1, sizeof *entries);
    if (!entries)
        return mp_fail("out of memory");
    for (size_t i = 0; i < profiles->count; i++)
        mp_entry_init(&entries[i], profiles->names[i]);
    if (json)
        puts("[");
    for (size_t i = 0; i < profiles->count && json; i++)
        print_json(i, &entries[i], i + 1 < profiles->count);
    if (json)
        puts("]");
    else
        mp_list_table(stdout, entries, profiles->count, mp_screen_width());
    for (size_t i = 0; i < profiles->count; i++)
        mp_entry_release(&entries[i]);
    free(entries);
    return MP_EXIT_OK;
}

static int run(void *from, int count, char **operands)
{
    const struct settings *settings = from;
    struct mp_profiles profiles;
    (void)count;
    (void)operands;
    bool whole = settings->json || isatty(STDOUT_FILENO);
    if (mp_profiles_list(&profiles, whole))
        return mp_fail("cannot list the current directory: %s", strerror(errno));
    int code = MP_EXIT_OK;
    if (whole)
        code = print_entries(&profiles, settings->json);
    else /* scripts read the classic's lines, of the classic's names */
        for (size_t i = 0; i < profiles.listed; i++)
            print_line(i, profiles.names[i]);
    mp_profiles_release(&profiles);
    return code;
}

const struct mp_command mp_command_list = {
    "list",
    "",
    "display existing profiles, with indices",
    "Lists the recordings of the current directory, oldest first: timelines of mprof run, then heap "
    "captures, then those of either kind whose name is not a default one. On a terminal with their "
    "kind, duration, peak and command; to a pipe as memory_profiler 0.61 did, default names alone.",
    MP_OPERANDS_NONE,
    options,
    take,
    sizeof(struct settings),
    run,
};
