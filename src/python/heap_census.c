/* What the blocks of a recording are while it goes on: counted where the interpreter stands at a safe point, near a new
 * peak, beside marks, and when another process asks, and kept in the capture. */
#include "python/heap.h"

#include "capture/heap/python/census_due.h"
#include "capture/heap/python/lines.h"
#include "capture/heap/python/recording.h"

enum {
    MOST_ROWS = 1 << 13, /* of a census, */
    SHARE_OF_FILE = 64   /* in at most that part of what it may have */
};

/* Borrowed: the one that is being recorded, whose blocks are counted. */
static struct mp_heap_object *recorded;

struct mp_heap_counted mp_heap_object_counted(const struct mp_census *census)
{
    return (struct mp_heap_counted){census->types, census->rows, census->text,
                                    census->type_count, census->row_count};
}

static bool can_count(void)
{
    return recorded && recorded->recording && recorded->pid == getpid() &&
           !recorded->file.heap.is_cut && mp_hooks_are_open() && !mp_recording.may_rest &&
           PyThreadState_Get()->interp == mp_recording.home;
}

struct keeping {
    struct mp_heap *heap;
    const struct mp_heap_census *made;
    struct mp_heap_counted counted;
};

/* Threads without the interpreter's lock write stacks and texts into the file: not meanwhile. */
static void keep_paused(void *context)
{
    const struct keeping *keeping = context;
    mp_heap_keep_census(keeping->heap, keeping->made, &keeping->counted);
}

/* Where there is no room the ones before stay. */
static void keep(struct mp_heap *heap, const struct mp_heap_census *made)
{
    struct mp_census census;
    size_t most = heap->header->most / SHARE_OF_FILE / sizeof *census.rows;
    if (!mp_census_take(&census, NULL)) {
        mp_census_shorten(&census, most < MOST_ROWS ? most : MOST_ROWS);
        struct keeping keeping = {heap, made, mp_heap_object_counted(&census)};
        bool aside = mp_hooks_set_aside(true);
        mp_hooks_pause(keep_paused, &keeping);
        mp_hooks_set_aside(aside);
    }
    mp_census_release(&census);
}

/* The newest mark, NULL: there is none. */
static const struct mp_heap_moment *newest_mark(const struct mp_heap *heap)
{
    const struct mp_heap_moment *newest = NULL;
    for (size_t i = 0; i < heap->header->counts[MP_HEAP_MOMENTS]; i++) {
        const struct mp_heap_moment *one = &heap->moments[i];
        if (one->stamp && one->flags & MP_HEAP_IS_MARK &&
            (!newest || one->stamp > newest->stamp))
            newest = one;
    }
    return newest;
}

static void keep_of(enum mp_heap_census_of of)
{
    struct mp_heap *heap = &recorded->file.heap;
    const struct mp_heap_moment *mark =
        of == MP_HEAP_CENSUS_MARK ? newest_mark(heap) : NULL;
    struct mp_heap_census made = {.time = heap->header->elapsed,
                                  .live = heap->header->live,
                                  .of = of,
                                  .mark = mark ? mark->stamp : 0};
    keep(heap, &made);
}

/* A reader waits for as many as it saw being asked. */
static void answer(void)
{
    struct mp_heap_header *header = recorded->file.heap.header;
    uint32_t asked = __atomic_load_n(&header->types_asked, __ATOMIC_ACQUIRE);
    keep_of(MP_HEAP_CENSUS_ASKED);
    __atomic_store_n(&header->types_answered, asked, __ATOMIC_RELEASE);
}

/* A copy has what was before its last reading of the clock. */
static void note_time(void *ignored)
{
    (void)ignored;
    mp_ledger_note_time(&mp_recording.ledger, false);
}

static bool is_recorded(const struct mp_heap_object *self)
{
    return self && recorded == self && self->pid == getpid() && !self->file.heap.is_cut &&
           mp_hooks_are_open();
}

/* At a safe point of the interpreter's, in its main thread. */
static int take_due(void *ignored)
{
    (void)ignored;
    if (!can_count()) {
        mp_census_end(0); /* in another interpreter: later */
        return 0;
    }
    mp_hooks_pause(note_time, NULL);
    unsigned why = mp_census_begin();
    if (why & MP_CENSUS_IS_MARK)
        keep_of(MP_HEAP_CENSUS_MARK);
    if (why & MP_CENSUS_IS_PEAK)
        keep_of(MP_HEAP_CENSUS_PEAK);
    if (why & MP_CENSUS_IS_ASKED)
        answer();
    mp_census_end(why);
    if (why & MP_CENSUS_IS_LOOKED)
        mp_heap_object_answer_holders(is_recorded);
    if (why & MP_CENSUS_IS_HOLDERS && is_recorded(recorded))
        mp_heap_object_look_for_holders(recorded, is_recorded);
    return 0;
}

static int ask_interpreter(void)
{
    return Py_AddPendingCall(take_due, NULL);
}

void mp_heap_object_watch_types(struct mp_heap_object *self)
{
    recorded = self;
    mp_census_watch(ask_interpreter, self->types == MP_TYPES_ALWAYS);
}

void mp_heap_object_unwatch_types(struct mp_heap_object *self)
{
    if (recorded != self)
        return;
    mp_heap_object_answer_holders(is_recorded);
    mp_census_watch(NULL, false);
    recorded = NULL;
}

void mp_heap_object_mark_types(enum mp_heap_types wanted)
{
    if (!can_count() || wanted == MP_TYPES_NEVER ||
        (wanted == MP_TYPES_CHEAP && recorded->types != MP_TYPES_ALWAYS))
        return;
    keep_of(MP_HEAP_CENSUS_MARK);
}
