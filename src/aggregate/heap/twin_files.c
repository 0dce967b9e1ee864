#include "aggregate/heap/twin_files.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/heap/distinct.h"
#include "aggregate/heap/paths.h"
#include "aggregate/heap/lexicon.h"
#include "base/mix.h"
#include "base/slots.h"

enum { DEEPEST = 16 /* parts of a path that are compared */ };

/* A file by its name, on either side or both. */
struct named {
    const char *name;
    uint32_t length;
    uint32_t twin; /* its position + 1, of one of BEFORE that is another's of AFTER */
    bool there[MP_HEAP_SIDES];
};

struct naming {
    struct mp_heap_distinct files[MP_HEAP_SIDES];
    uint32_t *places[MP_HEAP_SIDES]; /* of each distinct file: its position in `all` */
    struct named *all;
    size_t count;
};

static int naming_init(struct naming *naming,
                       const struct mp_heap_view *const views[MP_HEAP_SIDES])
{
    size_t room = 1;
    *naming = (struct naming){0};
    for (int side = 0; side < MP_HEAP_SIDES; side++) {
        if (mp_heap_distinct_init(&naming->files[side], views[side]))
            return -1;
        size_t files = naming->files[side].count;
        naming->places[side] = calloc(files + 1, sizeof *naming->places[side]);
        if (!naming->places[side])
            return -1;
        room += files;
    }
    naming->all = calloc(room, sizeof *naming->all);
    return naming->all ? 0 : -1;
}

static void naming_release(struct naming *naming)
{
    for (int side = 0; side < MP_HEAP_SIDES; side++) {
        mp_heap_distinct_release(&naming->files[side]);
        free(naming->places[side]);
    }
    free(naming->all);
}

/* There is room for a name of each file. */
static int find_names(struct naming *naming,
                      const struct mp_heap_view *const views[MP_HEAP_SIDES])
{
    struct mp_heap_lexicon names;
    int failed = mp_heap_lexicon_init(&names);
    for (int side = 0; side < MP_HEAP_SIDES; side++)
        for (size_t i = 0; i < naming->files[side].count && !failed; i++) {
            struct mp_heap_text name =
                mp_heap_installed(views[side], naming->files[side].files[i]);
            const char *text = views[side]->text + name.offset;
            uint32_t number = mp_heap_lexicon_find(&names, text, name.length);
            failed = number ? 0 : -1;
            if (failed)
                break;
            struct named *file = &naming->all[number - 1];
            naming->places[side][i] = number - 1;
            *file = (struct named){text, name.length, 0, {file->there[0], file->there[1]}};
            file->there[side] = true;
        }
    naming->count = names.count;
    mp_heap_lexicon_release(&names);
    return failed;
}

/* The last parts of a path, so many; 0: it has less, or says nothing about itself. */
static uint32_t end_of(const struct named *file, int parts)
{
    uint32_t at = file->length;
    int passed = 0;
    if (!at || file->name[0] == '<')
        return 0;
    while (at && passed < parts)
        passed += file->name[--at] == '/';
    passed += !at && file->name[0] != '/';
    at += at || file->name[0] == '/';
    uint32_t length = file->length - at;
    bool common = parts == 1 && length > 2 && !memcmp(file->name + at, "__", 2);
    return passed < parts || common ? 0 : length;
}

/* Files that have no twin and the same end: how many on each side, and one of them. */
struct alike {
    uint32_t file[MP_HEAP_SIDES], count[MP_HEAP_SIDES];
    uint32_t length; /* of the end */
};

static void add_alike(struct alike *alike, size_t *count, struct mp_slots *slots,
                      const struct naming *naming, uint32_t file, uint32_t length)
{
    const struct named *its = &naming->all[file];
    const char *end = its->name + its->length - length;
    int side = its->there[MP_HEAP_AFTER];
    struct alike *found = NULL;
    struct mp_slots_at at;
    for (mp_slots_begin(&at, slots, mp_mix_bytes(end, length));
         !found && mp_slots_next(&at, slots);) {
        struct alike *there = &alike[at.number - 1];
        const struct named *one = &naming->all[there->file[!there->count[0]]];
        if (there->length == length &&
            !memcmp(one->name + one->length - length, end, length))
            found = there;
    }
    if (!found) {
        found = &alike[*count];
        *found = (struct alike){.length = length};
        mp_slots_put(&at, slots, (uint32_t)++ * count);
    }
    found->file[side] = file;
    found->count[side]++;
}

static bool is_single(const struct named *file)
{
    return file->there[0] != file->there[1] && !file->twin;
}

static int pair_ends(struct naming *naming, struct alike *alike, int parts)
{
    struct mp_slots slots;
    size_t count = 0;
    if (mp_slots_init(&slots, naming->count))
        return -1;
    for (uint32_t i = 0; i < naming->count; i++) {
        uint32_t length = is_single(&naming->all[i]) ? end_of(&naming->all[i], parts) : 0;
        if (length)
            add_alike(alike, &count, &slots, naming, i, length);
    }
    for (size_t i = 0; i < count; i++)
        if (alike[i].count[0] == 1 && alike[i].count[1] == 1) {
            struct named *after = &naming->all[alike[i].file[MP_HEAP_AFTER]];
            naming->all[alike[i].file[MP_HEAP_BEFORE]].twin =
                alike[i].file[MP_HEAP_AFTER] + 1;
            after->there[MP_HEAP_BEFORE] = true;
        }
    mp_slots_release(&slots);
    return 0;
}

static int pair_all(struct naming *naming)
{
    struct alike *alike = calloc(naming->count + 1, sizeof *alike);
    int failed = alike ? 0 : -1;
    for (int parts = DEEPEST; parts && !failed; parts--)
        failed = pair_ends(naming, alike, parts);
    free(alike);
    return failed;
}

static int number_codes(struct mp_heap_twin_files *twins, const struct naming *naming,
                        const struct mp_heap_view *const views[MP_HEAP_SIDES])
{
    twins->count = naming->count;
    for (int side = 0; side < MP_HEAP_SIDES; side++) {
        size_t codes = views[side]->counts[MP_HEAP_CODES];
        if (!(twins->numbers[side] = calloc(codes + 1, sizeof **twins->numbers)))
            return -1;
        for (size_t i = 1; i < codes; i++) {
            uint32_t at = naming->places[side][naming->files[side].numbers[i]];
            uint32_t twin = naming->all[at].twin;
            twins->numbers[side][i] = twin ? twin - 1 : at;
        }
    }
    return 0;
}

int mp_heap_twin_files_init(struct mp_heap_twin_files *twins,
                            const struct mp_heap_view *const views[MP_HEAP_SIDES])
{
    struct naming naming;
    *twins = (struct mp_heap_twin_files){0};
    int failed = naming_init(&naming, views) || find_names(&naming, views) ||
                 pair_all(&naming) || number_codes(twins, &naming, views);
    naming_release(&naming);
    return failed ? -1 : 0;
}

void mp_heap_twin_files_release(struct mp_heap_twin_files *twins)
{
    for (int side = 0; side < MP_HEAP_SIDES; side++)
        free(twins->numbers[side]);
    *twins = (struct mp_heap_twin_files){0};
}
