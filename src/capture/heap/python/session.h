/* Recording a heap, from its start to its end: opens and closes what the hooks share, the hooks of
 * Python's allocators, those of malloc and mmap, and the readings of the balance.
 *
 * One capture at a time in a process; others may be parts of it (nest.h). A forked child does not
 * record, the capture is its parent's, until it starts one of its own.
 */
#ifndef MP_CAPTURE_HEAP_PYTHON_SESSION_H
#define MP_CAPTURE_HEAP_PYTHON_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/heap/accounting/nest.h"
#include "record/heap.h"

/* Starts recording into an empty capture, which must stay until mp_hooks_stop(). The caller has
   the interpreter's lock. `native`: also what C libraries take from malloc and mmap.
   `sample`: bytes between the blocks that are recorded, on average; 0: all are. 0, or -1 with
   errno (EBUSY: a capture is being recorded; for native ones see mp_native_install()). */
int mp_hooks_start(struct mp_heap *, bool native, uint64_t sample);

/* Stops; when it returns no thread is using the capture any more. Does nothing in a child of the
   process that started. */
void mp_hooks_stop(void);

/* Whether this process is recording; also native memory. */
bool mp_hooks_are_open(void);
bool mp_hooks_are_native(void);

/* Whether what is known to be live may be looked at. 0, or -1 with errno (ESRCH: nothing is recorded; ESTALE:
   another tool took the hooks off, so blocks may have ended unseen). With the interpreter's lock. */
int mp_hooks_know_blocks(void);

/* From here on the recording that is open, which is not sampled, records blocks only while others
   are open inside it, or while lines count what their threads allocate. */
void mp_hooks_may_rest(void);
void mp_hooks_keep_awake(bool);

/* The process is killed, and a line on stderr says so, when more bytes than this are live; it is looked
   at each 64 KiB. */
void mp_hooks_kill_over(int64_t bytes);

/* Opens a recording inside the one that is open. NULL with errno (ENOSPC: the capture is full). Who
   has it releases it. */
struct mp_nest *mp_hooks_nest(const struct mp_nest_terms *);

/* Ends it, and runs `look` before anybody changes its figures. */
void mp_hooks_unnest(struct mp_nest *, void (*look)(void *), void *context);

/* What is live of one that ended, -1 once the whole recording has. */
int64_t mp_hooks_kept(const struct mp_nest *);

/* Whether any is open; and how full the one that is recorded is, 0 to 1. */
bool mp_hooks_are_nested(void);
double mp_hooks_filled(void);

/* Keeps what the stacks hold now as a mark of this name, of 1 to MP_HEAP_MARK bytes. Whether it could:
   a file is being recorded into, and has room. Any thread that can allocate. */
bool mp_hooks_mark(const char *name, size_t length);

/* Bytes that the capture being recorded may have. */
uint64_t mp_hooks_room(void);

/* Runs `look` while nobody writes the capture. */
void mp_hooks_pause(void (*look)(void *), void *context);

#endif
