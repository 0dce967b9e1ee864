#include "capture/heap/python/found.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "capture/heap/python/lines.h"
#include "capture/heap/python/objects.h"
#include "capture/heap/python/recording.h"
#include "capture/heap/python/session.h"

struct finding {
    struct mp_found *found;
    struct mp_object_types types;
    const uint8_t *wanted;
    size_t nodes;
    int failed;
};

static void see(void *context, uintptr_t address, const struct mp_block *block)
{
    struct finding *finding = context;
    struct mp_found *found = finding->found;
    if (finding->failed || block->stack >= finding->nodes ||
        !finding->wanted[block->stack] ||
        mp_heap_kind(&mp_recording.heap->nodes[block->stack]) != MP_HEAP_PYTHON)
        return;
    struct mp_object object = mp_object_at(&finding->types, address, block->size);
    if (object.state != MP_OBJECT_LIVE)
        return;
    finding->failed = mp_array_reserve((void **)&found->objects, &found->room,
                                       found->count + 1, sizeof(PyObject *)) ||
                      mp_array_reserve((void **)&found->stacks, &found->stack_room,
                                       found->count + 1, sizeof *found->stacks);
    if (finding->failed)
        return;
    found->stacks[found->count] = block->stack;
    found->objects[found->count++] = object.object;
}

static void look(void *context)
{
    mp_shadow_each_block(&mp_recording.ledger.shadow, see, context);
}

int mp_found_init(struct mp_found *found, const uint8_t *wanted, size_t nodes)
{
    struct finding finding = {.found = found, .wanted = wanted, .nodes = nodes};
    *found = (struct mp_found){0};
    if (mp_hooks_know_blocks())
        return -1;
    bool aside = mp_hooks_set_aside(true);
    finding.failed = mp_object_types_init(&finding.types);
    if (!finding.failed) {
        mp_hooks_pause(look, &finding);
        mp_object_types_release(&finding.types);
    }
    mp_hooks_set_aside(aside);
    if (!finding.failed)
        return 0;
    mp_found_release(found);
    errno = ENOMEM;
    return -1;
}

void mp_found_release(struct mp_found *found)
{
    free(found->objects);
    free(found->stacks);
    *found = (struct mp_found){0};
}
