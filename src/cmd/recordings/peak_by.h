/* Peaks of many timelines, summed up by host, worker or rank. */
#ifndef MP_CMD_RECORDINGS_PEAK_BY_H
#define MP_CMD_RECORDINGS_PEAK_BY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate/timeline/members.h"

struct mp_peak_by_options {
    const char *what; /* host, worker or rank */
    bool json;
    int64_t max; /* what no peak may be over; -1: nothing is */
};

/* By its word; -1: there is none of that word. */
int mp_peak_by_parse(const char *what);

/* Prints a row a group, the highest first. Returns the exit code; why one is left out was said. */
int mp_peak_by_print(char *const *paths, size_t count, const struct mp_peak_by_options *);

#endif
