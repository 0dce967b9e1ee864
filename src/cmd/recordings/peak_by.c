#include "cmd/recordings/peak_by.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/timeline/peak.h"
#include "base/array.h"
#include "base/escape.h"
#include "base/saturate.h"
#include "cmd/recordings/read_profile.h"
#include "cmd/shared/command.h"
#include "cmd/shared/size.h"
#include "report/timeline/words.h"
#include "store/heap/read.h"

/* Of one file, with what it is put under. */
struct one {
    char key[MP_MEMBER_NAME], name[MP_MEMBER_NAME];
    const char *path;
    int64_t peak;
    bool killed;
};

struct all {
    struct one *items; /* owned */
    size_t count, room;
};

/* Those of one key: the first has the highest peak. */
struct group {
    const struct one *items;
    size_t count, killed;
    int64_t median, sum;
};

static const char *const words[] = {"host", "worker", "rank"};

int mp_peak_by_parse(const char *what)
{
    for (int i = 0; i < 3; i++)
        if (!strcmp(words[i], what))
            return i;
    return -1;
}

static int add(struct all *all, const struct mp_timeline *timeline, const char *path,
               enum mp_member_by by)
{
    if (mp_array_reserve((void **)&all->items, &all->room, all->count + 1,
                         sizeof *all->items))
        return mp_fail("out of memory");
    struct one *one = &all->items[all->count++];
    *one = (struct one){
        .path = path, .peak = mp_peak_total(timeline), .killed = mp_is_killed(timeline)};
    mp_member_key(&timeline->identity, path, by, one->key);
    mp_member_key(&timeline->identity, path, MP_MEMBER_BY_WORKER, one->name);
    return 0;
}

static int read_one(struct all *all, const char *path,
                    const struct mp_peak_by_options *options)
{
    struct mp_timeline timeline;
    if (mp_heap_started(path) >= 0)
        return mp_fail("%s is a heap capture: 'mprof table --by %s' shows those", path,
                       options->what);
    int code = mp_profiles_read(&timeline, path);
    if (!code && !timeline.total.count)
        code = mp_fail("%s holds no memory sample", path);
    if (!code)
        code =
            add(all, &timeline, path, (enum mp_member_by)mp_peak_by_parse(options->what));
    mp_timeline_release(&timeline);
    if (!code && options->max >= 0)
        code = mp_size_check(path, all->items[all->count - 1].peak, options->max);
    return code;
}

static int by_key(const void *left, const void *right)
{
    const struct one *a = left, *b = right;
    int order = strcmp(a->key, b->key);
    if (order)
        return order;
    return a->peak != b->peak ? (a->peak < b->peak ? 1 : -1) : strcmp(a->path, b->path);
}

static int by_peak(const void *left, const void *right)
{
    const struct group *a = left, *b = right;
    if (a->items->peak != b->items->peak)
        return a->items->peak < b->items->peak ? 1 : -1;
    return strcmp(a->items->key, b->items->key);
}

/* The caller's to free; NULL without memory. */
static struct group *make_groups(const struct all *all, size_t *count)
{
    struct group *groups = calloc(all->count + 1, sizeof *groups);
    *count = 0;
    for (size_t i = 0; groups && i < all->count; i++) {
        const struct one *one = &all->items[i];
        if (!i || strcmp(one->key, one[-1].key) != 0)
            groups[(*count)++] = (struct group){.items = one};
        struct group *group = &groups[*count - 1];
        group->count++;
        group->killed += one->killed;
        group->sum = mp_sum(group->sum, one->peak);
        group->median = group->items[group->count / 2].peak;
    }
    if (groups)
        qsort(groups, *count, sizeof *groups, by_peak);
    return groups;
}

static void put_text(const struct group *groups, size_t count, const char *what)
{
    char peak[MP_WORDS_ROOM], median[MP_WORDS_ROOM], sum[MP_WORDS_ROOM];
    bool several = false;
    printf("%14s %14s %14s %6s  %s\n", "peak", "median", "sum", "files", what);
    for (size_t i = 0; i < count; i++) {
        const struct group *group = &groups[i];
        const struct one *first = group->items;
        printf("%14s %14s %14s %6zu  ", mp_memory_words(peak, first->peak),
               mp_memory_words(median, group->median), mp_memory_words(sum, group->sum),
               group->count);
        mp_escape_terminal(stdout, first->key, strlen(first->key), false);
        if (group->count > 1 && strcmp(first->key, first->name) != 0) {
            fputs(", most: ", stdout);
            mp_escape_terminal(stdout, first->name, strlen(first->name), false);
        }
        several |= group->count > 1;
        if (group->killed)
            printf(", %zu killed", group->killed);
        putchar('\n');
    }
    if (several)
        puts("(sum: each at its own peak, not at one moment)");
}

static void put_json(const struct group *groups, size_t count, const char *what)
{
    puts("[");
    for (size_t i = 0; i < count; i++) {
        const struct group *group = &groups[i];
        const struct one *first = group->items;
        printf("  {\"%s\": ", what);
        mp_escape_json(stdout, first->key, strlen(first->key));
        fputs(", \"most\": ", stdout);
        mp_escape_json(stdout, first->path, strlen(first->path));
        printf(", \"files\": %zu, \"killed\": %zu, \"peak\": %lld, \"median\": %lld, "
               "\"sum\": %lld}%s\n",
               group->count, group->killed, (long long)first->peak,
               (long long)group->median, (long long)group->sum, i + 1 < count ? "," : "");
    }
    puts("]");
}

int mp_peak_by_print(char *const *paths, size_t count,
                     const struct mp_peak_by_options *options)
{
    struct all all = {0};
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        int code = read_one(&all, paths[i], options);
        failed = code ? code : failed;
    }
    mp_profiles_told();
    if (all.count)
        qsort(all.items, all.count, sizeof *all.items, by_key);
    size_t group_count;
    struct group *groups = make_groups(&all, &group_count);
    if (!groups)
        failed = mp_fail("out of memory");
    else if (options->json)
        put_json(groups, group_count, options->what);
    else if (group_count)
        put_text(groups, group_count, options->what);
    free(groups);
    free(all.items);
    return failed;
}
