/* Suspended machines: CLOCK_MONOTONIC, whose times a recording has, stands still meanwhile. */
#ifndef MP_STORE_DAT_SLEEPS_H
#define MP_STORE_DAT_SLEEPS_H

#include "record/series.h"

/* Moves all that was after a sleep by its length: times are times of day again. Once, when all is read and sorted. */
void mp_dat_add_sleeps(struct mp_timeline *);

#endif
