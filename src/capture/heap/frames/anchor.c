#include "capture/heap/frames/layout.h"

#include "capture/heap/frames/anchor.h"

#include <internal/pycore_gc.h>

#include <string.h>

enum {
    MOST_PRICE = 1 << 14,
};

void mp_anchors_init(struct mp_anchors *anchors, struct mp_shadow *shadow)
{
    anchors->shadow = shadow;
    anchors->count = 0;
    anchors->price = MP_ANCHORS_PRICE;
    anchors->limit = SIZE_MAX;
}

static size_t gap_of(const struct mp_anchors *anchors, uint32_t which)
{
    size_t outer = which ? anchors->all[which - 1].index : 0;
    return anchors->all[which].index - outer;
}

/* An anchor that died before it was worth its price: the next one is tried later, and further
   out, where calls last longer. */
static void judge(struct mp_anchors *anchors, uint32_t which)
{
    const struct mp_anchor *anchor = &anchors->all[which];
    if (anchor->saved >= MP_ANCHORS_PRICE)
        return;
    if (anchors->price < MOST_PRICE)
        anchors->price *= 2;
    anchors->limit = anchor->index - gap_of(anchors, which) / 2;
}

static uintptr_t block_of(const void *object)
{
    return (uintptr_t)object - sizeof(PyGC_Head);
}

static void unwatch(struct mp_anchors *anchors, uint32_t which)
{
    if (anchors->all[which].object)
        mp_shadow_unwatch(anchors->shadow, block_of(anchors->all[which].object));
}

static void drop_from(struct mp_anchors *anchors, uint32_t first)
{
    while (anchors->count > first) {
        judge(anchors, --anchors->count);
        unwatch(anchors, anchors->count);
    }
}

static void use(struct mp_anchors *anchors, uint32_t which)
{
    struct mp_anchor *anchor = &anchors->all[which];
    if (anchor->saved >= MP_ANCHORS_PRICE)
        return;
    anchor->saved += (uint32_t)gap_of(anchors, which);
    if (anchor->saved >= MP_ANCHORS_PRICE)
        anchors->price = MP_ANCHORS_PRICE;
}

struct mp_anchor *mp_anchors_find_slowly(struct mp_anchors *anchors, const void *frame,
                                         const void *object)
{
    for (uint32_t i = anchors->count; i-- > 0;) {
        struct mp_anchor *anchor = &anchors->all[i];
        if (anchor->frame != frame || anchor->object != object)
            continue;
        drop_from(anchors, i + 1);
        use(anchors, i);
        return anchor;
    }
    return NULL;
}

void mp_anchors_clear(struct mp_anchors *anchors)
{
    drop_from(anchors, 0);
}

/* The interpreter makes the object of the innermost frame alone, so the frame is that for the
   moment. Nothing may run meanwhile, no collection either; NULL also when an exception is pending,
   since a failure would take its place, and where new objects are traced: this very allocation may
   be tracemalloc's own, which has its lock. */
static PyFrameObject *object_of(PyThreadState *thread, const _PyInterpreterFrame *frame)
{
    PyFrameObject *object = mp_frame_object(frame);
    if (object || PyErr_Occurred() || mp_objects_are_traced())
        return object;
    const _PyInterpreterFrame *innermost = mp_frame_innermost(thread);
    int collects = PyGC_Disable();
    mp_frame_set_innermost(thread, frame);
    object = PyThreadState_GetFrame(thread);
    mp_frame_set_innermost(thread, innermost);
    if (collects)
        PyGC_Enable();
    Py_XDECREF(object); /* the frame's own reference is the only one */
    return mp_frame_object(frame);
}

/* The interpreter may be making the object at this moment, which is the allocation we are in. */
static bool is_being_made(const _PyInterpreterFrame *frame, size_t allocating)
{
    const PyCodeObject *code = mp_frame_code(frame);
    size_t slots = (size_t)(code->co_nlocalsplus + code->co_stacksize);
    return allocating == sizeof(PyGC_Head) + (size_t)PyFrame_Type.tp_basicsize +
                             slots * (size_t)PyFrame_Type.tp_itemsize;
}

/* The one whose absence makes the shortest gap goes. */
static void drop_one(struct mp_anchors *anchors)
{
    uint32_t least = 0;
    for (uint32_t i = 1; i + 1 < anchors->count; i++)
        if (gap_of(anchors, i) + gap_of(anchors, i + 1) <
            gap_of(anchors, least) + gap_of(anchors, least + 1))
            least = i;
    unwatch(anchors, least);
    anchors->count--;
    memmove(&anchors->all[least], &anchors->all[least + 1],
            (anchors->count - least) * sizeof *anchors->all);
}

bool mp_anchors_add(struct mp_anchors *anchors, PyThreadState *thread, const void *frame,
                    size_t index, size_t allocating)
{
    PyFrameObject *object =
        is_being_made(frame, allocating) ? NULL : object_of(thread, frame);
    if (!object || mp_shadow_watch(anchors->shadow, block_of(object)))
        return false; /* its death would not be seen */
    if (anchors->count == MP_ANCHORS)
        drop_one(anchors);
    anchors->all[anchors->count++] =
        (struct mp_anchor){.frame = frame, .object = object, .index = (uint32_t)index};
    return true;
}

bool mp_anchors_forget(struct mp_anchors *anchors, uintptr_t address)
{
    for (uint32_t i = anchors->count; i-- > 0;)
        if (anchors->all[i].object && block_of(anchors->all[i].object) == address) {
            anchors->all[i].object = NULL;
            if (i + 1 == anchors->count)
                drop_from(anchors, i);
            return true;
        }
    return false;
}
