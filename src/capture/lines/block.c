#include "capture/lines/block.h"

#include <stdlib.h>

#include "capture/lines/tracer.h"

struct mp_block *mp_blocks;

static struct mp_activation *push(struct mp_thread *thread, const struct mp_block *block,
                                  int line)
{
    size_t depth = thread->depth;
    mp_activation_push(thread, block->frame, block->tracer, block->table, line, true);
    if (thread->depth == depth)
        return NULL;
    thread->blocks++;
    thread->stack[depth].block = true;
    return &thread->stack[depth];
}

static int begin(struct mp_thread *thread, struct mp_block *block, struct mp_tracer *tracer)
{
    block->tracer = tracer;
    block->table = tracer->traced[0].table;
    struct mp_activation *top = push(thread, block, block->table->entry);
    if (!top)
        return -1;
    if (block->table->baseline < 0 && top->entered)
        block->table->baseline = top->last;
    mp_tracer_keep(tracer);
    return 0;
}

struct mp_block *mp_block_open(struct mp_thread *thread, const void *frame,
                               const void *owner, struct mp_tracer *tracer)
{
    struct mp_block *block = malloc(sizeof *block);
    if (!block)
        return NULL;
    *block = (struct mp_block){.frame = frame, .owner = owner, .next = mp_blocks};
    if (tracer && begin(thread, block, tracer)) {
        free(block);
        return NULL;
    }
    return mp_blocks = block;
}

struct mp_block *mp_block_find(const void *frame, const void *owner)
{
    struct mp_block *block = mp_blocks;
    while (block && (block->frame != frame || block->owner != owner))
        block = block->next;
    return block;
}

static void forget(struct mp_block *block)
{
    struct mp_block **link = &mp_blocks;
    while (*link != block)
        link = &(*link)->next;
    *link = block->next;
    if (block->tracer)
        mp_tracer_drop(block->tracer);
    free(block);
}

void mp_block_close(struct mp_thread *thread, struct mp_block *block)
{
    for (size_t at = thread && block->tracer ? thread->depth : 0; at-- > 0;) {
        const struct mp_activation *found = &thread->stack[at];
        if (!found->block || found->frame != block->frame || found->table != block->table)
            continue;
        mp_activation_close(mp_activation_raise(thread, at), thread);
        break;
    }
    forget(block);
}

static void resume(struct mp_thread *thread, const struct mp_block *block,
                   const void *frame, int line)
{
    if (!block)
        return;
    resume(thread, block->next, frame, line); /* outer ones first */
    if (block->frame == frame && block->tracer)
        push(thread, block, line);
}

void mp_block_resume(struct mp_thread *thread, const void *frame, int line)
{
    resume(thread, mp_blocks, frame, line);
}
