/* The stack of a thread that runs no Python code: its name, called by the stack of who created it.
 *
 *     main job.py:12 ─► [thread worker] job.py:12 ─► [thread its own] job.py:12
 *
 * Its file and line are the creator's, so that views by line find it where it was started.
 */
#include "capture/heap/python/recording.h"

#include <stdio.h>
#include <sys/prctl.h>

#include "capture/heap/native/creation.h"
#include "record/location.h"
#include "record/place.h"

/* The innermost line that is no import machinery's; that of a label is its creator's. */
static struct mp_heap_code place_of(const struct mp_heap *heap, uint32_t stack)
{
    for (; stack; stack = heap->nodes[stack].parent) {
        const struct mp_heap_node *node = &heap->nodes[stack];
        const struct mp_heap_code *code = &heap->codes[node->code];
        if (!mp_place_is_importer(heap->text + code->file.offset, code->file.length))
            return (struct mp_heap_code){
                .file = code->file,
                .first_line =
                    mp_location_line(heap->text + code->lines.offset, code->lines.length,
                                     code->first_line, mp_heap_instruction(node))};
    }
    return (struct mp_heap_code){0};
}

/* A thread that Python knows runs Python code at times, and has its own stacks. */
static uint32_t creator_of_this(void)
{
    bool known = mp_native_creation.session == mp_recording.session &&
                 !PyGILState_GetThisThreadState();
    return known ? mp_native_creation.stack : 0;
}

/* A thread like one of those that led to it is that one: where each starts its successor, stacks
   would grow for ever. */
static uint32_t called_by(const struct mp_heap *heap, uint32_t creator, uint32_t code)
{
    const struct mp_heap_node *nodes = heap->nodes;
    for (uint32_t at = creator; mp_heap_is_thread(&heap->codes[nodes[at].code]);
         at = nodes[at].parent)
        if (nodes[at].code == code)
            return at;
    uint32_t found = code ? mp_stacks_child(mp_recording.walk.stacks, creator, code, 0,
                                            MP_HEAP_FOR_PROGRAM)
                          : 0;
    return found ? found : creator;
}

/* A creator from before the root was where it is has given its place, but is not below it. */
static uint32_t make_label(void)
{
    const struct mp_heap *heap = mp_recording.heap;
    char name[16] = "", label[32];
    uint32_t creator = creator_of_this(), root = mp_recording.walk.root;
    struct mp_heap_code place = place_of(heap, creator);
    prctl(PR_GET_NAME, name);
    snprintf(label, sizeof label, "[thread %.15s]", name);
    return called_by(
        heap, creator < root ? root : creator,
        mp_codes_label(&mp_recording.walk.codes, label, place.file, place.first_line));
}

/* Threads that are over share what we keep, but each has a name. Without room for it, its blocks
   are its creator's. */
uint32_t mp_recording_label(struct mp_hooked *mine, enum mp_heap_kind kind)
{
    uint32_t root = mp_recording.walk.root;
    if (!mine->label || mine->label_root != root || mine != mp_hooked_own)
        mine->label = make_label();
    mine->label_root = root;
    const struct mp_heap *heap = mp_recording.heap;
    if (!mp_heap_is_thread(&heap->codes[heap->nodes[mine->label].code]))
        heap->header->shortened++;
    return kind == MP_HEAP_PYTHON ? mine->label
                                  : mp_walk_kind(&mp_recording.walk, mine->label, kind);
}
