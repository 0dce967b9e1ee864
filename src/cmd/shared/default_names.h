/* The names that we give recordings: mprofile_YYYYMMDDhhmmss.dat, mprofheap_YYYYMMDDhhmmss.mprof, or
 * with -N before the point. */
#ifndef MP_CMD_SHARED_DEFAULT_NAMES_H
#define MP_CMD_SHARED_DEFAULT_NAMES_H

#include <stdbool.h>

/* Whether we name recordings so; which of two such names is older: below or above 0. */
bool mp_profiles_is_listed(const char *name);
int mp_profiles_by_age(const char *left, const char *right);

/* The fourteen digits of the time in a listed name. */
const char *mp_profiles_stamp(const char *name);
bool mp_profiles_is_heap(const char *name);

#endif
