/* A heap capture as Python has it, memory_profiler._core.Heap: heap.c starts and stops it,
 * heap_figures.c says what it holds. */
#ifndef MP_PYTHON_HEAP_H
#define MP_PYTHON_HEAP_H

#include <Python.h>

#include <stdbool.h>

#include "aggregate/heap/lines.h"
#include "aggregate/heap/order.h"
#include "capture/heap/python/census.h"
#include "capture/heap/python/session.h"
#include "store/heap/file.h"
#include "store/heap/types.h"

/* Whether what the blocks are is counted when a recording ends. */
enum mp_heap_types { MP_TYPES_CHEAP, MP_TYPES_ALWAYS, MP_TYPES_NEVER };

struct mp_heap_object {
    PyObject_HEAD struct mp_heap_file file;
    bool opened, recording;
    int64_t
        attached;  /* the age of the process at that, ns; 0: it begins with the program */
    bool by_mprof; /* which then is its keeper */
    pid_t pid;
    struct mp_nest *nest; /* owned: it runs inside another, and has its figures there */
    struct mp_nest_figures *brief; /* owned: has figures, and a file if these are large */
    bool over;                     /* which ended first, and this one with it; */
    int failed;                    /* errno of that, or 0 */
    bool no_sources;               /* no source text goes into the file */
    enum mp_heap_types types;
    uintptr_t *known; /* owned, in order: objects of a stretch that are no survivors */
    size_t known_count;
    struct mp_heap_object *next; /* of those that have one */
};

/* Methods of it. */
PyObject *mp_heap_object_figures(struct mp_heap_object *, PyObject *ignored);
PyObject *mp_heap_object_top(struct mp_heap_object *, PyObject *args);
PyObject *mp_heap_object_closing(struct mp_heap_object *, PyObject *ignored);
PyObject *mp_heap_object_stacks(struct mp_heap_object *, PyObject *args);
PyObject *mp_heap_object_types(struct mp_heap_object *, PyObject *by_line);
PyObject *mp_heap_object_know(struct mp_heap_object *, PyObject *ignored);
PyObject *mp_heap_object_survivors(struct mp_heap_object *, PyObject *ignored);
PyObject *mp_heap_object_rest(struct mp_heap_object *, PyObject *ignored);
PyObject *mp_heap_object_filled(struct mp_heap_object *, PyObject *ignored);
PyObject *mp_heap_object_kill_over(struct mp_heap_object *, PyObject *bytes);
PyObject *mp_heap_object_begin(struct mp_heap_object *, PyObject *args);
PyObject *mp_heap_object_finish(struct mp_heap_object *, PyObject *args);
PyObject *mp_heap_object_save(struct mp_heap_object *, PyObject *path);
PyObject *mp_heap_object_kept(struct mp_heap_object *, PyObject *ignored);
PyObject *mp_heap_object_could_start(struct mp_heap_object *, PyObject *ignored);
PyObject *mp_heap_object_attached(struct mp_heap_object *, PyObject *by_mprof);

/* A str; bytes that are no UTF-8 as surrogates. */
PyObject *mp_heap_text_object(const struct mp_heap_view *, struct mp_heap_text);

/* The stacks, heaviest first, as Heap.stacks() has them. NULL with MemoryError. */
PyObject *mp_heap_stacks_list(const struct mp_heap_view *, enum mp_heap_order);

/* Frames of the nodes of a view, which stays. NULL with MemoryError. */
struct mp_heap_frames *mp_heap_frames_new(const struct mp_heap_view *);
PyObject *mp_heap_frames_of(const struct mp_heap_frames *, uint32_t node);
void mp_heap_frames_free(struct mp_heap_frames *);

/* Why nobody may look at what is live. */
#define MP_HEAP_OBJECT_LOST \
    "another tool took the recorder's hooks off: which blocks are live is not known"

/* Whether it is a stretch that is counted, also when it has ended and the recording around it has not. */
bool mp_heap_object_is_counted(const struct mp_heap_object *);

/* A capture at this path, bytes or NULL. 0, or -1 with errno. */
int mp_heap_object_open(struct mp_heap_object *, PyObject *path, uint64_t most);

/* Among those that run inside the one that is recorded, and no longer. */
void mp_heap_object_note(struct mp_heap_object *);
void mp_heap_object_forget(struct mp_heap_object *);

/* Puts what the blocks are into a capture that is still recorded, where that is wanted and has room. */
void mp_heap_object_keep_types(struct mp_heap_object *);

/* The same of one that ran inside another, from a census of that; the numbers that its nodes have in the capture, from
   the border on. */
void mp_heap_object_keep_inner_types(struct mp_heap_object *, struct mp_census *,
                                     const uint32_t *numbers);

/* From here on they are counted while it is recorded, too: when another process asks, and where its
   types are wanted near the peak and beside marks; and no longer. */
void mp_heap_object_watch_types(struct mp_heap_object *);
void mp_heap_object_unwatch_types(struct mp_heap_object *);

/* Beside the newest mark of the recording that runs, where they are wanted. */
void mp_heap_object_mark_types(enum mp_heap_types wanted);

/* A census as it is kept; borrowed. */
struct mp_heap_counted mp_heap_object_counted(const struct mp_census *);

/* Puts who holds the objects of the largest types and lines into it, where what the blocks are was asked for. */
void mp_heap_object_keep_holders(struct mp_heap_object *);

struct mp_heap_keeping;

/* Whether a line is "app.py:12", or a file of that end's. */
bool mp_heap_line_is(const struct mp_heap_view *, const struct mp_heap_line *,
                     const char *place);

struct mp_heap_finding {
    struct mp_heap_wants wants;
    const char *own_files;    /* as of mp_roots_visit() */
    uint32_t *looked, number; /* as of struct mp_inquiry */
};

/* Begins to find it, by a child where one can be made. Lines are those of the recording that is open, if one is, which
   may not end before mp_heap_holders_put(). NULL: there was no memory, as may be said in what is found. */
struct mp_heap_keeping *mp_heap_holders_begin(const struct mp_heap_finding *);

/* The child that looks; 0: none does. */
pid_t mp_heap_holders_child(const struct mp_heap_keeping *);

/* Waits for the child, while others have the interpreter's lock. */
void mp_heap_holders_await(struct mp_heap_keeping *);

/* Puts what was found, or that nothing was for want of memory, into a capture, and frees it. 0, or -1 with errno. */
int mp_heap_holders_put(struct mp_heap *, int64_t time, struct mp_heap_keeping *);
void mp_heap_holders_free(struct mp_heap_keeping *);

/* Has a child look for what another process asks of the recording that runs, while the program goes on; */
void mp_heap_object_look_for_holders(struct mp_heap_object *,
                                     bool (*may_keep)(const struct mp_heap_object *));

/* answers, where one looks: waits for it if it still does. */
void mp_heap_object_answer_holders(bool (*may_keep)(const struct mp_heap_object *));

/* Puts the source of what matters into a capture that is about to be closed; `texts` of code that is in no
   file, {name: (label, text)}, or NULL. What cannot be read or has no room is not there. */
void mp_heap_object_keep_sources(struct mp_heap_object *, PyObject *texts);

#endif
