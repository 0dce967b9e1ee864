#include "report/heap/groups.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* The analyzer loses sight of what is kept in an array. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

/* By whom it was started, of those that are here; NULL: nobody is. */
static const struct mp_heap_process *parent_of(const struct mp_heap_processes *list,
                                               const struct mp_heap_process *process)
{
    for (size_t i = 0; i < list->count && process->parent; i++) {
        const struct mp_heap_process *other = &list->processes[i];
        if (other != process && other->pid == process->parent &&
            other->run == process->run &&
            !strcmp(other->identity.host, process->identity.host))
            return other;
    }
    return NULL;
}

/* Who of the family has a name, or its eldest. */
static const struct mp_heap_process *named(const struct mp_heap_processes *list,
                                           const struct mp_heap_process *process)
{
    const struct mp_heap_process *of = process;
    for (int deep = 0; of && deep < 16; deep++) {
        if (*of->identity.worker || *of->identity.rank)
            return of;
        of = parent_of(list, of);
    }
    return process;
}

/* The caller's to free; NULL without memory. */
static char *key_of(const struct mp_heap_processes *list,
                    const struct mp_heap_process *process, enum mp_heap_whose by)
{
    char *key;
    const struct mp_identity *identity = &process->identity;
    if (by == MP_HEAP_BY_HOST)
        return strdup(*identity->host ? identity->host : "(host not known)");
    if (by == MP_HEAP_BY_WORKER)
        identity = &named(list, process)->identity;
    if (by == MP_HEAP_BY_WORKER && *identity->worker)
        return strdup(identity->worker);
    if (*identity->rank)
        return asprintf(&key, "rank %s", identity->rank) < 0 ? NULL : key;
    if (by == MP_HEAP_BY_RANK)
        return strdup("(no rank)");
    return asprintf(&key, "%s%s%" PRId64, identity->host, *identity->host ? " " : "",
                    process->pid) < 0
               ? NULL
               : key;
}

static size_t find(const struct mp_heap_processes *groups, const char *key)
{
    size_t i = 0;
    while (i < groups->count && strcmp(groups->processes[i].file, key) != 0)
        i++;
    return i;
}

/* Takes the key over. */
static int add_group(struct mp_heap_processes *groups, char *key,
                     const struct mp_heap_process *process)
{
    if (mp_array_reserve((void **)&groups->processes, &groups->room, groups->count + 1,
                         sizeof *groups->processes)) {
        free(key);
        return -1;
    }
    struct mp_heap_process *group = &groups->processes[groups->count++];
    *group = (struct mp_heap_process){.file = key,
                                      .identity = process->identity,
                                      .wall_start = process->wall_start,
                                      .most_rss = -1,
                                      .clean = true};
    snprintf(group->command, sizeof group->command, "%s", key);
    return 0;
}

static void add_figures(struct mp_heap_process *group,
                        const struct mp_heap_process *process)
{
    group->pid = group->members++ ? 0 : process->pid;
    group->parent = group->pid ? process->parent : 0;
    group->elapsed = process->elapsed > group->elapsed ? process->elapsed : group->elapsed;
    if (process->most_rss >= 0)
        group->most_rss = (group->most_rss < 0 ? 0 : group->most_rss) + process->most_rss;
    mp_heap_line_add(&group->sum, &process->sum);
    group->clean &= process->clean;
}

int mp_heap_whose_init(struct mp_heap_processes *groups,
                       const struct mp_heap_processes *list, enum mp_heap_whose by)
{
    *groups = (struct mp_heap_processes){.unrecorded = list->unrecorded};
    for (size_t i = 0; i < list->count; i++) {
        const struct mp_heap_process *process = &list->processes[i];
        char *key = key_of(list, process, by);
        size_t at = key ? find(groups, key) : 0;
        if (!key || (at == groups->count && add_group(groups, key, process)))
            return -1;
        if (groups->processes[at].file != key)
            free(key);
        add_figures(&groups->processes[at], process);
    }
    return 0;
}

int mp_heap_tag_groups_init(struct mp_heap_processes *groups,
                            const struct mp_heap_view *view,
                            const struct mp_heap_tags *tags)
{
    const struct mp_heap_process none = {0};
    *groups = (struct mp_heap_processes){0};
    for (size_t i = 0; i < tags->count; i++) {
        const struct mp_heap_tagged *tag = &tags->tags[i];
        struct mp_heap_text name = tag->name;
        if (!mp_heap_line_is_used(&tag->sum))
            continue;
        char *key = name.length ? strndup(view->text + name.offset, name.length)
                                : strdup("(no tag)");
        if (!key || add_group(groups, key, &none))
            return -1;
        struct mp_heap_process *row = &groups->processes[groups->count - 1];
        row->sum = tag->sum;
        row->members = 1;
        row->code = tag->code;
        row->line = tag->line;
    }
    return 0;
}

size_t *mp_heap_whose_of(const struct mp_heap_processes *groups,
                         const struct mp_heap_processes *list, enum mp_heap_whose by)
{
    size_t *numbers = calloc(list->count + 1, sizeof *numbers);
    for (size_t i = 0; numbers && i < list->count; i++) {
        char *key = key_of(list, &list->processes[i], by);
        if (key)
            numbers[i] = find(groups, key);
        free(key);
    }
    return numbers;
}

size_t mp_heap_hosts(const struct mp_heap_processes *list)
{
    size_t count = 0;
    for (size_t i = 0; list && i < list->count; i++) {
        const char *host = list->processes[i].identity.host;
        bool known = !*host;
        for (size_t j = 0; j < i && !known; j++)
            known = !strcmp(list->processes[j].identity.host, host);
        count += !known;
    }
    return count ? count : 1;
}

const char *mp_heap_identity_words(const struct mp_heap_process *process, bool hosts,
                                   char words[MP_HEAP_IDENTITY])
{
    const struct mp_identity *identity = &process->identity;
    const char *parts[][2] = {{"worker ", identity->worker},
                              {"rank ", identity->rank},
                              {"on ", hosts ? identity->host : ""}};
    int length = 0;
    *words = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !process->members; i++)
        if (*parts[i][1])
            length += snprintf(words + length, MP_HEAP_IDENTITY - (size_t)length, "%s%s%s",
                               length ? ", " : "", parts[i][0], parts[i][1]);
    return words;
}
