/* Why the processes of a capture died: what the recorder noted of their control group, beside what the
 * kernel says of that now. */
#ifndef MP_CMD_HEAP_WHY_DIED_H
#define MP_CMD_HEAP_WHY_DIED_H

#include "report/heap/death.h"
#include "store/heap/read.h"

struct mp_heap_death mp_heap_why_died(const struct mp_heap_capture *);

#endif
