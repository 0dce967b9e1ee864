/* Blocks: `with profile.block():` measures the lines of the frame that runs it, from there to the
 * end of the block.
 *
 * An open block has an activation of its own on that frame, above those that are there already:
 *
 *     thread -> [ main: line 40 ] [ load: line 7 ] [ load's block: line 7 ]          top
 *                                  `-- the same frame: each line event is for both --'
 *
 * A generator that yields inside its block leaves the thread with all of them, and the block
 * goes on wherever it is resumed: open blocks are found by their frame. All functions run under
 * the interpreter's lock.
 */
#ifndef MP_CAPTURE_LINES_BLOCK_H
#define MP_CAPTURE_LINES_BLOCK_H

#include "capture/lines/activation.h"

struct mp_block {
    const void *frame;           /* identity of the interpreter's frame; never followed */
    const void *owner;           /* who opened it, to be asked for by who closes it */
    void *door;                  /* the door's */
    struct mp_tracer *tracer;    /* owned: a reference; NULL: no lines are measured */
    struct mp_line_table *table; /* the tracer's; its entry row is the line of the `with` */
    struct mp_block *next;       /* opened before it */
};

/* The block opened last; NULL: none is open. */
extern struct mp_block *mp_blocks __attribute__((visibility("hidden")));

/* Begins to measure the frame into the only table of the tracer, if there is one; its entry row
   runs. NULL when memory is short. */
struct mp_block *mp_block_open(struct mp_thread *, const void *frame, const void *owner,
                               struct mp_tracer *);

/* The innermost block that `owner` opened in the frame; NULL: none. */
struct mp_block *mp_block_find(const void *frame, const void *owner);

/* Completes the line that runs, unless it is the `with` again, and forgets the block. */
void mp_block_close(struct mp_thread *, struct mp_block *);

/* A frame goes on at `line`: so do the blocks that are open in it. */
void mp_block_resume(struct mp_thread *, const void *frame, int line);

#endif
