/* The processes of what is shown, put together by what they are to their cluster. */
#ifndef MP_CMD_HEAP_WHOSE_H
#define MP_CMD_HEAP_WHOSE_H

#include "report/heap/groups.h"

enum mp_heap_each { MP_HEAP_EACH_FOR_ITSELF = -1 }; /* beside enum mp_heap_whose */

/* Of each process its group, owned by the caller, and the groups: empty where each process is one, `list` has them then.
   NULL without memory; the caller releases the groups either way. */
size_t *mp_heap_group(struct mp_heap_processes *groups,
                      const struct mp_heap_processes *list, int whose);

/* By worker, where any has the name or rank of one; else each for itself. */
int mp_heap_usual_whose(const struct mp_heap_processes *);

#endif
