#include "cmd/shared/profiles.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/escape.h"
#include "cmd/shared/below.h"
#include "cmd/shared/command.h"
#include "cmd/shared/default_names.h"
#include "cmd/shared/here.h"

static int add(struct mp_profiles *profiles, const char *name)
{
    for (size_t i = 0; i < profiles->count; i++)
        if (!strcmp(profiles->names[i], name))
            return 0;
    if (mp_array_reserve((void **)&profiles->names, &profiles->room, profiles->count + 1,
                         sizeof *profiles->names))
        return -1;
    if (asprintf(&profiles->names[profiles->count], "%s", name) < 0)
        return -1;
    profiles->count++;
    return 0;
}

static int by_age(const void *left, const void *right)
{
    return mp_profiles_by_age(*(char *const *)left, *(char *const *)right);
}

/* A pipe or a device may be called anything; nobody waits for what it says. */
static bool is_file(const char *name)
{
    struct stat status;
    return !stat(name, &status) && S_ISREG(status.st_mode);
}

static int add_default_names(struct mp_profiles *profiles)
{
    DIR *here = opendir(".");
    if (!here)
        return -1;
    int failed = 0;
    for (struct dirent *entry; !failed && (entry = readdir(here));)
        if (mp_profiles_is_listed(entry->d_name) && is_file(entry->d_name)) {
            failed = add(profiles, entry->d_name);
            profiles->timelines += !mp_profiles_is_heap(entry->d_name);
        }
    closedir(here);
    if (profiles->count)
        qsort(profiles->names, profiles->count, sizeof *profiles->names, by_age);
    profiles->listed = profiles->count;
    return failed;
}

int mp_profiles_list(struct mp_profiles *profiles, bool all)
{
    struct mp_recordings others;
    *profiles = (struct mp_profiles){0};
    if (add_default_names(profiles))
        return -1;
    if (!all)
        return 0;
    int failed = mp_recordings_find(&others);
    for (size_t i = 0; i < others.count && !failed; i++)
        if (!mp_profiles_is_listed(others.items[i].name))
            failed = add(profiles, others.items[i].name);
    mp_recordings_release(&others);
    return failed;
}

static bool is_index(const char *text)
{
    text += *text == '-';
    return *text && !text[strspn(text, "0123456789")];
}

/* Names need no list: to make one every file here is looked into. */
static bool are_indices(int count, char **operands)
{
    for (int i = 0; i < count; i++)
        if (is_index(operands[i]))
            return true;
    return false;
}

/* An index's profile, or NULL; *index tells whether the text is one at all. */
static const char *by_index(const struct mp_profiles *list, const char *text, bool *index)
{
    long number = strtol(text, NULL, 10);
    *index = is_index(text);
    if (!*index)
        return NULL;
    if (number < 0)
        number += (long)(list->timelines ? list->timelines
                         : list->listed  ? list->listed
                                         : list->count);
    return number >= 0 && (size_t)number < list->count ? list->names[number] : NULL;
}

static int choose(struct mp_profiles *profiles, const struct mp_profiles *list,
                  const char *text)
{
    struct stat status;
    bool index;
    const char *name = by_index(list, text, &index);
    if (index && !name)
        return mp_fail("no profile %s: 'mprof list' shows %zu", text, list->count), -1;
    if (!index && stat(text, &status))
        return mp_fail("file %s not found", text), -1;
    if (!index && S_ISDIR(status.st_mode))
        return mp_fail("%s is a directory", text), -1;
    return add(profiles, name ? name : text);
}

int mp_profiles_choose(struct mp_profiles *profiles, int count, char **operands)
{
    struct mp_profiles list;
    int failed = 0;
    *profiles = (struct mp_profiles){0};
    if (mp_profiles_list(&list, are_indices(count, operands)))
        return mp_fail("cannot list the current directory: %s", strerror(errno)), -1;
    for (int i = 0; i < count && !failed; i++)
        failed = choose(profiles, &list, operands[i]);
    mp_profiles_release(&list);
    return failed;
}

/* What a path stands for: itself, or of a folder the recordings below it. Returns whether there is any. */
static bool add_path(struct mp_profiles *profiles, const char *path)
{
    struct stat status;
    if (stat(path, &status))
        return false;
    if (!S_ISDIR(status.st_mode))
        return !add(profiles, path);
    size_t before = profiles->count;
    struct mp_below below;
    if (!mp_below_find(&below, path))
        for (size_t i = 0; i < below.count; i++)
            add(profiles, below.paths[i]);
    mp_below_release(&below);
    return profiles->count > before;
}

/* A pattern that the shell left as it is, in quotes or a script's list. */
static bool add_pattern(struct mp_profiles *profiles, const char *pattern)
{
    glob_t found;
    bool any = false;
    if (glob(pattern, GLOB_TILDE, NULL, &found))
        return false;
    for (size_t i = 0; i < found.gl_pathc; i++)
        any |= add_path(profiles, found.gl_pathv[i]);
    globfree(&found);
    return any;
}

static void choose_existing(struct mp_profiles *profiles, const struct mp_profiles *list,
                            const char *text)
{
    bool index;
    const char *name = by_index(list, text, &index);
    if (index && name)
        add(profiles, name);
    else if (index || (!add_path(profiles, text) && !add_pattern(profiles, text))) {
        profiles->missing = true;
        fputs("Input file not found: ", stdout);
        mp_escape_terminal(stdout, text, strlen(text), false);
        putchar('\n');
    }
}

int mp_profiles_or_latest(struct mp_profiles *profiles, int count, char **operands)
{
    struct mp_profiles list;
    char *newest = count ? NULL : mp_newest_here(false);
    *profiles = (struct mp_profiles){0};
    if (newest) {
        puts("Using last profile data.");
        add(profiles, newest);
        free(newest);
    } else if (!count) {
        puts(
            "No input file found. \nThis program looks for mprofile_*.dat files, generated "
            "by the 'mprof run' command.");
    }
    if (!count)
        return profiles->count ? 0 : MP_EXIT_NOTHING;
    mp_profiles_list(&list, are_indices(count, operands));
    for (int i = 0; i < count; i++)
        choose_existing(profiles, &list, operands[i]);
    if (!profiles->count)
        puts("No files found from given input.");
    mp_profiles_release(&list);
    return profiles->count ? 0 : MP_EXIT_NOTHING;
}

void mp_profiles_release(struct mp_profiles *profiles)
{
    for (size_t i = 0; i < profiles->count; i++)
        free(profiles->names[i]);
    free(profiles->names);
    *profiles = (struct mp_profiles){0};
}

void mp_put_argument(FILE *out, const char *argument)
{
    bool plain = *argument && !argument[strcspn(argument, " \t\n'\"\\$`*?[](){}<>|&;#~!")];
    if (!plain)
        fputc('\'', out);
    mp_escape_terminal(out, argument, strlen(argument), false);
    if (!plain)
        fputc('\'', out);
}
