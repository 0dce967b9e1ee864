/* Short names for functions: the shortest end of a dotted name that no other name shares. */
#ifndef MP_AGGREGATE_TIMELINE_LABELS_H
#define MP_AGGREGATE_TIMELINE_LABELS_H

#include "record/series.h"

/* One label per name; the array and each label are the caller's. NULL with errno ENOMEM. */
char **mp_labels_make(const struct mp_names *);

#endif
