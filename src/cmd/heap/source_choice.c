#include "cmd/heap/source_choice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aggregate/heap/distinct.h"
#include "base/path.h"
#include "cmd/shared/command.h"
#include "cmd/shared/write_page.h"
#include "store/heap/read.h"

enum { MOST_NAMED = 5 };

/* A script without a suffix says in its first line what runs it. */
static bool is_script(const char *path)
{
    char start[128] = "";
    struct stat status;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (!fstat(fd, &status) && S_ISREG(status.st_mode) &&
        read(fd, start, sizeof start - 1) < 0)
        *start = 0;
    close(fd);
    start[strcspn(start, "\n")] = 0;
    return !strncmp(start, "#!", 2) && strstr(start, "python");
}

bool mp_source_is_meant(const char *operand)
{
    if (mp_heap_started(operand) >= 0)
        return false;
    return mp_has_suffix(operand, ".py") || mp_has_suffix(operand, ".pyw") ||
           is_script(operand);
}

/* "b/c.py" is the end of "/a/b/c.py", but not of "/a/xb/c.py". */
static bool is_end_of(const char *path, const char *end)
{
    size_t length = strlen(path), its = strlen(end);
    if (!its || its > length || strcmp(path + length - its, end) != 0)
        return false;
    return its == length || end[0] == '/' || path[length - its - 1] == '/';
}

/* Files that a name may mean, each once. */
struct matches {
    struct mp_heap_text first[MOST_NAMED];
    size_t count;
};

/* What a file is more than one that is on a stack. */
enum { ANY, USERS, ALLOCATED };

/* What to compare names with: all without detours. */
struct search {
    const struct mp_heap_view *view;
    struct mp_heap_distinct files;
    char **paths;   /* owned, each too: of each file */
    uint8_t *kinds; /* owned; of each file, bits: the program's own; allocated itself */
    int wanted;     /* of these kinds alone */
};

/* The same name may be in the text several times. */
static bool is_known(const struct search *search, const struct matches *matches,
                     struct mp_heap_text file)
{
    for (size_t i = 0; i < matches->count && i < MOST_NAMED; i++)
        if (!mp_heap_text_compare(search->view, matches->first[i], file))
            return true;
    return false;
}

static struct matches match(const struct search *search, const char *name, bool whole)
{
    struct matches matches = {0};
    for (size_t i = 0; i < search->files.count; i++) {
        struct mp_heap_text file = search->files.files[i];
        const char *path = search->paths[i];
        if (!file.length || !(whole ? !strcmp(path, name) : is_end_of(path, name)) ||
            (search->kinds[i] & search->wanted) != search->wanted ||
            is_known(search, &matches, file))
            continue;
        if (matches.count < MOST_NAMED)
            matches.first[matches.count] = file;
        matches.count++;
    }
    return matches;
}

/* A file's path without detours; the caller's to free, or NULL. */
static char *path_of(const struct mp_heap_view *view, struct mp_heap_text file)
{
    char *named = strndup(view->text + file.offset, file.length);
    char *path = named ? mp_path_normal(named) : NULL;
    free(named);
    return path;
}

static void find_kinds(struct search *search, const struct mp_heap_views *views)
{
    const uint32_t *numbers = search->files.numbers;
    const struct mp_heap_lines *lines = &views->lines;
    for (uint32_t i = 1; i < search->view->counts[MP_HEAP_CODES]; i++)
        search->kinds[numbers[i]] |= mp_heap_own_is_users(&views->own, i) ? USERS : ANY;
    for (size_t i = 0; i < lines->count; i++)
        if (lines->lines[i].code)
            search->kinds[numbers[lines->lines[i].code]] |= ALLOCATED;
}

static int search_init(struct search *search, const struct mp_heap_views *views)
{
    *search = (struct search){.view = &views->run.view};
    if (mp_heap_distinct_init(&search->files, search->view))
        return -1;
    size_t count = search->files.count;
    search->paths = calloc(count + 1, sizeof *search->paths);
    search->kinds = calloc(count + 1, sizeof *search->kinds);
    for (size_t i = 0; search->paths && i < count; i++)
        if (!(search->paths[i] = path_of(search->view, search->files.files[i])))
            return -1;
    if (!search->paths || !search->kinds)
        return -1;
    find_kinds(search, views);
    return 0;
}

static void search_release(struct search *search)
{
    for (size_t i = 0; search->paths && i < search->files.count; i++)
        free(search->paths[i]);
    free(search->paths);
    free(search->kinds);
    mp_heap_distinct_release(&search->files);
}

/* As it was typed, as it is from here, with links followed; then the end of a path. */
static struct matches find(const struct search *search, const char *name, const char *here)
{
    char *normal = mp_path_normal(name), *real = realpath(name, NULL), *from_here = NULL;
    char *joined = NULL;
    struct matches matches = {0};
    if (here && *name != '/' && asprintf(&joined, "%s/%s", here, name) >= 0)
        from_here = mp_path_normal(joined);
    const char *names[] = {normal, from_here, real};
    for (size_t i = 0; i < 3 && !matches.count; i++)
        if (names[i] && *names[i])
            matches = match(search, names[i], true);
    if (!matches.count && normal && *normal)
        matches = match(search, normal, false);
    free(joined);
    free(from_here);
    free(real);
    free(normal);
    return matches;
}

static int say_ambiguous(const struct mp_heap_view *view, const struct matches *matches,
                         const char *name)
{
    char *list = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&list, &size);
    for (size_t i = 0; stream && i < matches->count && i < MOST_NAMED; i++) {
        struct mp_heap_text file = matches->first[i];
        fprintf(stream, "%s%.*s", i ? ", " : "", (int)file.length,
                view->text + file.offset);
    }
    if (stream)
        fclose(stream);
    int code = mp_fail("%s may be %s%s: give more of the path", name, list ? list : "",
                       matches->count > MOST_NAMED ? ", ..." : "");
    free(list);
    return code;
}

/* Of several the program's own; of several of these, those that allocated themselves. */
static struct matches find_best(struct search *search, const char *name, const char *here)
{
    struct matches matches = find(search, name, here);
    for (int wanted = USERS; wanted <= ALLOCATED && matches.count > 1; wanted++) {
        search->wanted |= wanted;
        struct matches fewer = find(search, name, here);
        if (fewer.count)
            matches = fewer;
        else
            search->wanted &= ~wanted;
    }
    return matches;
}

int mp_source_choose(struct mp_heap_views *views, const char *name,
                     struct mp_heap_text *file)
{
    struct search search;
    struct matches matches = {0};
    int code = MP_EXIT_OK;
    if (search_init(&search, views))
        code = mp_fail("out of memory");
    else
        matches = find_best(&search, name, views->here);
    if (!code && matches.count > 1)
        code = say_ambiguous(search.view, &matches, name);
    else if (!code && !matches.count)
        code = mp_fail("%s allocated nothing in %s: 'mprof lines %s --all' lists the files "
                       "that did",
                       name, views->path, views->path);
    *file = matches.first[0];
    search_release(&search);
    return code;
}
