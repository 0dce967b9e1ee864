/* The control group's memory while a heap is recorded: how near its limit it is, so that it is known afterwards
 * why the program died, and what it held just before.
 *
 *     memory    ▁▂▃▄▅▆▇█ limit      looked at ten times a second, and for each 50th of the limit
 *     mark             ▲ 95%        "near the limit", each time that it comes there
 */
#ifndef MP_CAPTURE_HEAP_PYTHON_GROUP_H
#define MP_CAPTURE_HEAP_PYTHON_GROUP_H

#include <stdint.h>

#define MP_GROUP_MARK "near the limit"

/* Before recording begins; nothing is read. */
void mp_recording_group_start(void);

/* When the clock was read, with the biased lock; `now`: ns since the start. About 1 ns where nothing is due. */
void mp_recording_group_look(int64_t now);

#endif
