/* What is answered to a question about the objects of a graph. */
#ifndef MP_CAPTURE_OBJECTS_ROWS_H
#define MP_CAPTURE_OBJECTS_ROWS_H

#include "capture/objects/dominators.h"
#include "capture/objects/path.h"
#include "capture/objects/question.h"
#include "record/holders.h"

struct mp_answering {
    struct mp_holders *holders; /* borrowed, as all */
    const struct mp_graph *graph;
    const struct mp_reach *reach;
    const struct mp_dominators *tree;
};

/* 0, or -1 with errno ENOMEM. */
int mp_rows_add(const struct mp_answering *, const struct mp_question *, uint32_t number);

#endif
