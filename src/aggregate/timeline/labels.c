#include "aggregate/timeline/labels.h"

#include <stdlib.h>
#include <string.h>

/* The part of a name behind its last `level` points. A block's label, written with a point
   before it, is free text: points inside mean nothing. */
static const char *ending(const struct mp_name *name, int level)
{
    if (name->length > 1 && *name->text == '.')
        return name->text + (level == 1);
    const char *at = name->text + name->length;
    while (at > name->text) {
        if (at[-1] == '.' && --level == 0)
            break;
        at--;
    }
    return at;
}

static size_t ending_length(const struct mp_name *name, int level)
{
    return (size_t)(name->text + name->length - ending(name, level));
}

/* Lengthens the endings that several names share, until none does or all are whole. */
static int lengthen(const struct mp_names *names, int *levels)
{
    struct mp_names seen = {0};
    int *owners = calloc(names->count + 1, sizeof *owners), changed = 0, failed = !owners;
    for (int pass = 0; pass < 2 && !failed; pass++)
        for (size_t i = 0; i < names->count && !failed; i++) {
            const struct mp_name *name = &names->items[i];
            int at = mp_names_index(&seen, ending(name, levels[i]),
                                    ending_length(name, levels[i]));
            failed = at < 0;
            if (failed)
                break;
            owners[at] += pass == 0;
            if (pass && owners[at] > 1 && ending(name, levels[i]) > name->text) {
                levels[i]++;
                changed = 1;
            }
        }
    free(owners);
    mp_names_release(&seen);
    return failed ? -1 : changed;
}

char **mp_labels_make(const struct mp_names *names)
{
    int *levels = calloc(names->count + 1, sizeof *levels), changed = 1;
    char **labels = calloc(names->count + 1, sizeof *labels);
    for (size_t i = 0; levels && i < names->count; i++)
        levels[i] = 1;
    while (levels && labels && changed > 0)
        changed = lengthen(names, levels);
    for (size_t i = 0; levels && labels && !changed && i < names->count; i++)
        if (!(labels[i] = strdup(ending(&names->items[i], levels[i]))))
            changed = -1;
    if (labels && (changed || !levels)) {
        for (size_t i = 0; i < names->count; i++)
            free(labels[i]);
        free(labels);
        labels = NULL;
    }
    free(levels);
    return labels;
}
