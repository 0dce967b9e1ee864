#include "aggregate/heap/mine.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/distinct.h"
#include "record/place.h"

/* Folders of a path that a module's name may begin at: where modules are looked for is not known of
   what is not installed. */
enum { ROOTS = 8, MOST_TEXT = 4096 };

const char *mp_heap_mine_add(struct mp_heap_mine *mine, const char *pattern, bool is_mine)
{
    if (!*pattern)
        return "not a pattern";
    if (mine->count == MP_HEAP_MINE_MOST)
        return "too many patterns";
    mine->patterns[mine->count++] =
        (struct mp_heap_pattern){pattern, strlen(pattern), is_mine};
    return NULL;
}

void mp_heap_mine_add_list(struct mp_heap_mine *mine, const char *list)
{
    for (; list && *list && mine->count < MP_HEAP_MINE_MOST; list += *list == ':') {
        size_t length = strcspn(list, ":");
        bool not = length && *list == '!';
        if (length > not )
            mine->patterns[mine->count++] =
                (struct mp_heap_pattern){list + not, length - not, !not };
        list += length;
    }
}

/* A pattern, and where it stands: before it what may lie before an end of a path, behind it what
   may lie in a folder or a module. */
static bool matches(const struct mp_heap_pattern *pattern, const char *before,
                    const char *behind, const char *text)
{
    char *whole = NULL;
    size_t extra = strlen(before) + strlen(behind), length = pattern->length;
    bool found = false;
    if (length < MOST_TEXT && (whole = malloc(length + extra + 1))) {
        char *at = stpcpy(whole, before);
        memcpy(at, pattern->text, length);
        strcpy(at + length, behind);
        found = !fnmatch(whole, text, 0);
    }
    free(whole);
    return found;
}

static bool matches_path(const struct mp_heap_pattern *pattern, const char *path)
{
    return matches(pattern, "", "", path) || matches(pattern, "*/", "", path) ||
           matches(pattern, "", "/*", path) || matches(pattern, "*/", "/*", path);
}

/* By its dotted name from here on, or a package's around it. */
static bool matches_module(const struct mp_heap_pattern *pattern, const char *path)
{
    char name[MOST_TEXT];
    size_t length = strlen(path);
    if (length >= sizeof name)
        return false;
    strcpy(name, path);
    if (mp_place_ends_with(name, length, "/__init__.py"))
        name[length - strlen("/__init__.py")] = 0;
    else if (mp_place_ends_with(name, length, ".py"))
        name[length - strlen(".py")] = 0;
    for (char *at = name; *at; at++)
        *at = *at == '/' ? '.' : *at;
    return matches(pattern, "", "", name) || matches(pattern, "", ".*", name);
}

/* Modules have no slash in their names; of what is not installed each folder may be the first. */
static bool is_of(const struct mp_heap_pattern *pattern, const char *path)
{
    size_t length = strlen(path), installed = mp_place_installed(path, length);
    if (matches_path(pattern, path) ||
        (installed && matches_module(pattern, path + installed)))
        return true;
    if (installed || memchr(pattern->text, '/', pattern->length))
        return false;
    const char *at = path + length;
    for (int roots = 0; at > path && roots < ROOTS; roots++) {
        for (at--; at > path && at[-1] != '/';)
            at--;
        if (matches_module(pattern, at))
            return true;
    }
    return false;
}

/* -1: no pattern says whose it is. */
static int decide(const struct mp_heap_mine *mine, const struct mp_heap_view *view,
                  struct mp_heap_text file)
{
    char path[MOST_TEXT];
    if (!file.length || file.length >= sizeof path)
        return -1;
    memcpy(path, view->text + file.offset, file.length);
    path[file.length] = 0;
    for (size_t i = mine->count; i-- > 0;)
        if (is_of(&mine->patterns[i], path))
            return mine->patterns[i].mine;
    return -1;
}

int mp_heap_mine_apply(const struct mp_heap_mine *mine, struct mp_heap_own *own,
                       const struct mp_heap_view *view)
{
    struct mp_heap_distinct distinct;
    if (!mine->count)
        return 0;
    int8_t *decided = NULL;
    if (!mp_heap_distinct_init(&distinct, view))
        decided = calloc(distinct.count + 1, sizeof *decided);
    for (size_t i = 0; decided && i < distinct.count; i++)
        decided[i] = (int8_t)decide(mine, view, distinct.files[i]);
    for (uint32_t i = 1; decided && i < view->counts[MP_HEAP_CODES]; i++)
        if (decided[distinct.numbers[i]] >= 0 && mp_heap_own_may_be_users(own, i))
            own->users[i] = decided[distinct.numbers[i]];
    mp_heap_distinct_release(&distinct);
    int failed = decided ? 0 : -1;
    free(decided);
    return failed;
}
