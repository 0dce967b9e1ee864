/* What the objects of a graph take and would not need, by kind, type and line. */
#ifndef MP_CAPTURE_OBJECTS_WASTE_H
#define MP_CAPTURE_OBJECTS_WASTE_H

#include "capture/objects/graph.h"
#include "capture/objects/question.h"
#include "capture/objects/reach.h"
#include "record/holders.h"

/* Fills the `waste` of the holders. About 50 ns an object, and 1 ns for 4 bytes of text and of arrays; of these at
   most 2 GiB are read. `lines` is NULL where nothing is recorded. 0, or -1 with errno ENOMEM. */
int mp_waste_find(struct mp_holders *, const struct mp_graph *, const struct mp_reach *,
                  const struct mp_waste_lines *lines);

#endif
