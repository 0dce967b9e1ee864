#include "cmd/profiles.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/escape.h"
#include "cmd/command.h"
#include "cmd/heap_timeline.h"
#include "store/dat_read.h"
#include "store/heap_read.h"

enum { STAMP_DIGITS = 14 };

static const char timeline[] = "mprofile_", heap[] = "mprofheap_";

static bool starts_with(const char *name, const char *start)
{
    return !strncmp(name, start, strlen(start));
}

bool mp_profiles_is_heap(const char *name)
{
    return starts_with(name, heap);
}

const char *mp_profiles_stamp(const char *name)
{
    return name + strlen(mp_profiles_is_heap(name) ? heap : timeline);
}

/* mprofile_YYYYMMDDhhmmss.dat, mprofheap_YYYYMMDDhhmmss.mprof, or with -N before the point: what
   we name recordings. */
static bool is_listed(const char *name)
{
    if (!starts_with(name, timeline) && !starts_with(name, heap))
        return false;
    const char *end = mp_profiles_stamp(name);
    if (strlen(end) < STAMP_DIGITS)
        return false;
    end += STAMP_DIGITS;
    if (*end == '-' && end[1] >= '0' && end[1] <= '9')
        end += 1 + strspn(end + 1, "0123456789");
    return !strcmp(end, mp_profiles_is_heap(name) ? ".mprof" : ".dat");
}

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

/* Timelines first; "…05.dat" before "…05-1.dat" before "…05-2.dat". */
static int by_age(const void *left, const void *right)
{
    const char *a = *(char *const *)left, *b = *(char *const *)right;
    if (mp_profiles_is_heap(a) != mp_profiles_is_heap(b))
        return mp_profiles_is_heap(a) ? 1 : -1;
    a = mp_profiles_stamp(a);
    b = mp_profiles_stamp(b);
    int stamp = strncmp(a, b, STAMP_DIGITS);
    long first = strtol(a + STAMP_DIGITS, NULL, 10);
    long second = strtol(b + STAMP_DIGITS, NULL, 10);
    return stamp ? stamp : (second > first) - (second < first);
}

int mp_profiles_list(struct mp_profiles *profiles)
{
    *profiles = (struct mp_profiles){0};
    DIR *here = opendir(".");
    if (!here)
        return -1;
    int failed = 0;
    for (struct dirent *entry; !failed && (entry = readdir(here));)
        if (is_listed(entry->d_name)) {
            failed = add(profiles, entry->d_name);
            profiles->timelines += !mp_profiles_is_heap(entry->d_name);
        }
    closedir(here);
    if (profiles->count)
        qsort(profiles->names, profiles->count, sizeof *profiles->names, by_age);
    return failed;
}

/* An index's profile, or NULL; *index tells whether the text is one at all. */
static const char *by_index(const struct mp_profiles *list, const char *text, bool *index)
{
    char *end;
    long number = strtol(text, &end, 10);
    *index = *text && !*end;
    if (!*index)
        return NULL;
    if (number < 0)
        number += (long)(list->timelines ? list->timelines : list->count);
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
    if (mp_profiles_list(&list))
        return mp_fail("cannot list the current directory: %s", strerror(errno)), -1;
    for (int i = 0; i < count && !failed; i++)
        failed = choose(profiles, &list, operands[i]);
    mp_profiles_release(&list);
    return failed;
}

static void choose_existing(struct mp_profiles *profiles, const struct mp_profiles *list,
                            const char *text)
{
    struct stat status;
    bool index;
    const char *name = by_index(list, text, &index);
    if (index && name)
        add(profiles, name);
    else if (!index && !stat(text, &status) && !S_ISDIR(status.st_mode))
        add(profiles, text);
    else {
        fputs("Input file not found: ", stdout);
        mp_escape_terminal(stdout, text, strlen(text), false);
        putchar('\n');
    }
}

int mp_profiles_or_latest(struct mp_profiles *profiles, int count, char **operands)
{
    struct mp_profiles list;
    *profiles = (struct mp_profiles){0};
    if (mp_profiles_list(&list) && !count)
        return mp_fail("cannot list the current directory: %s", strerror(errno));
    if (!count && !list.count)
        puts(
            "No input file found. \nThis program looks for mprofile_*.dat files, generated "
            "by the 'mprof run' command.");
    else if (!count) {
        puts("Using last profile data.");
        add(profiles, list.names[(list.timelines ? list.timelines : list.count) - 1]);
    }
    for (int i = 0; i < count; i++)
        choose_existing(profiles, &list, operands[i]);
    if (count && !profiles->count)
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

static void tell_gaps(const struct mp_timeline *timeline, const char *path)
{
    if (timeline->skipped)
        mp_note("%s: skipped %llu %s that could not be understood, the first is line %llu",
                path, (unsigned long long)timeline->skipped,
                timeline->skipped == 1 ? "line" : "lines",
                (unsigned long long)timeline->first_skipped);
    if (timeline->cut)
        mp_note("%s: incomplete: the last line is cut off", path);
    else if (timeline->version && !timeline->ended)
        mp_note("%s: incomplete: the recording was not closed", path);
}

int mp_profiles_read(struct mp_timeline *timeline, const char *path)
{
    if (mp_heap_started(path) >= 0)
        return mp_heap_timeline_read(timeline, path);
    switch (mp_dat_read(timeline, path)) {
    case MP_DAT_OK:
        tell_gaps(timeline, path);
        return 0;
    case MP_DAT_SYSTEM:
        return mp_fail("cannot read %s: %s", path, strerror(errno));
    case MP_DAT_EMPTY:
        return mp_fail("%s is empty%s", path,
                       mp_dat_is_ours(path) == 1 ? "; 'mprof rm' removes it" : "");
    case MP_DAT_FUTURE:
        return mp_fail("%s was made by version %d of the format, later than this mprof",
                       path, timeline->version);
    case MP_DAT_FOREIGN:
        break;
    }
    return mp_fail("%s is not an mprof capture", path);
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
