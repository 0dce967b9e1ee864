#include "aggregate/heap/tag_choice.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/saturate.h"

static int copy_tables(struct mp_heap_tag_choice *choice, const struct mp_heap_view *view)
{
    size_t count = view->counts[MP_HEAP_NODES];
    choice->header = malloc(sizeof *choice->header);
    choice->nodes = calloc(count + 1, sizeof *choice->nodes);
    choice->growth = view->growth ? calloc(count + 1, sizeof *choice->growth) : NULL;
    if (!choice->header || !choice->nodes || (view->growth && !choice->growth))
        return -1;
    *choice->header = *view->header;
    memcpy(choice->nodes, view->nodes, count * sizeof *choice->nodes);
    if (view->growth)
        memcpy(choice->growth, view->growth, count * sizeof *choice->growth);
    choice->view.header = choice->header;
    choice->view.nodes = choice->nodes;
    choice->view.growth = choice->growth;
    choice->view.threads = &choice->sum;
    choice->view.counts[MP_HEAP_THREADS] = 1;
    choice->view.counts[MP_HEAP_MOMENTS] = choice->view.counts[MP_HEAP_TYPED] = 0;
    choice->view.counts[MP_HEAP_CENSUSES] = 0;
    return 0;
}

/* Marks the borders of the tags that are meant. */
static int mark(struct mp_heap_tag_choice *choice, const char *pattern, bool *under)
{
    const struct mp_heap_view *view = &choice->view;
    for (size_t i = 0; i < view->counts[MP_HEAP_TAGS]; i++) {
        const struct mp_heap_tag *tag = &view->tags[i];
        char *word = strndup(view->text + tag->name.offset, tag->name.length);
        if (!word)
            return -1;
        under[tag->node] = !fnmatch(pattern, word, 0);
        choice->chosen += under[tag->node];
        free(word);
    }
    return 0;
}

static void drop(struct mp_heap_tag_choice *choice, size_t node)
{
    struct mp_heap_node *its = &choice->nodes[node];
    *its = (struct mp_heap_node){.parent = its->parent,
                                 .code = its->code,
                                 .instruction = its->instruction,
                                 .epoch = choice->header->epoch};
    if (choice->growth)
        choice->growth[node] = (struct mp_heap_delta){0};
}

static void add(struct mp_heap_tag_choice *choice, const struct mp_heap_node *node)
{
    struct mp_heap_header *header = choice->header;
    struct mp_heap_thread *sum = &choice->sum;
    uint64_t live = mp_heap_live_blocks(node);
    header->live = mp_sum(header->live, mp_heap_live(node));
    header->peak = mp_sum(header->peak, mp_heap_at_peak(&choice->view, node));
    sum->allocated = mp_sum_unsigned(sum->allocated, node->total);
    sum->blocks = mp_sum_unsigned(sum->blocks, node->blocks);
    sum->frees = mp_sum_unsigned(sum->frees, node->blocks > live ? node->blocks - live : 0);
    sum->temporary = mp_sum_unsigned(sum->temporary, node->temporary);
}

/* Parents come before children: below a border all is under its tag, up to the border of another. */
static void choose(struct mp_heap_tag_choice *choice, bool *under)
{
    struct mp_heap_header *header = choice->header;
    header->live = header->peak = 0;
    memset(&header->series, 0, sizeof header->series);
    memset(header->balance, 0, sizeof header->balance);
    for (size_t i = 0; i < choice->view.counts[MP_HEAP_NODES]; i++) {
        const struct mp_heap_node *node = &choice->nodes[i];
        if (!mp_heap_is_tag(node))
            under[i] = i && under[node->parent];
        if (under[i])
            add(choice, node);
        else
            drop(choice, i);
    }
}

int mp_heap_tag_choice_init(struct mp_heap_tag_choice *choice,
                            const struct mp_heap_view *view, const char *pattern)
{
    bool *under = calloc(view->counts[MP_HEAP_NODES] + 1, sizeof *under);
    *choice = (struct mp_heap_tag_choice){.view = *view};
    int failed = !under || copy_tables(choice, view) || mark(choice, pattern, under);
    if (!failed)
        choose(choice, under);
    else
        errno = ENOMEM;
    free(under);
    return failed ? -1 : 0;
}

void mp_heap_tag_choice_release(struct mp_heap_tag_choice *choice)
{
    free(choice->header);
    free(choice->nodes);
    free(choice->growth);
    *choice = (struct mp_heap_tag_choice){0};
}
