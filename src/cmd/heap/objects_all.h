/* Who held the objects of several processes: each its own, one after the other. */
#ifndef MP_CMD_HEAP_OBJECTS_ALL_H
#define MP_CMD_HEAP_OBJECTS_ALL_H

#include "cmd/heap/views.h"
#include "report/heap/holders.h"

/* Whether a capture says what the report asks for. */
bool mp_heap_objects_has(const struct mp_heap_holders_report *);

/* Prints those of the run that do, as the report asks for it of one. Sets whether there was any; returns the exit code. */
int mp_heap_objects_all(struct mp_heap_views *, const struct mp_heap_holders_report *asked,
                        bool json, bool *any);

#endif
