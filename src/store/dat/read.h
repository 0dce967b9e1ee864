/* Reads .dat files: ours, and whatever memory_profiler 0.61 ever wrote.
 *
 * Lines that are not understood are skipped and counted, never fatal; first words nobody knows
 * are skipped without a word, so that newer files stay readable. Nothing in a file can make the
 * reader use more memory than a constant plus a few times the file's size.
 */
#ifndef MP_STORE_DAT_READ_H
#define MP_STORE_DAT_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "record/series.h"

struct mp_dat_reader;

enum mp_dat_problem {
    MP_DAT_OK,
    MP_DAT_SYSTEM,  /* errno says what */
    MP_DAT_EMPTY,   /* no byte in it */
    MP_DAT_FOREIGN, /* not an mprof capture */
    MP_DAT_FUTURE   /* made by a later version: timeline->version */
};

/* Fills *timeline, which the caller releases whatever the result. */
enum mp_dat_problem mp_dat_read(struct mp_timeline *, const char *path);

/* A file that is being recorded, read on where it was. Points are in the order of the file. */
struct mp_dat_follow {
    struct mp_timeline timeline;  /* owned, as all; what was read up to now */
    struct mp_dat_reader *reader; /* its own */
    char *buffer;
    size_t used; /* of a line that has no end yet */
    int fd;
    bool any;
};

/* The caller releases it whatever the result; MP_DAT_EMPTY and MP_DAT_FOREIGN may change with an update. It
   stays where it is. */
enum mp_dat_problem mp_dat_follow_open(struct mp_dat_follow *, const char *path);
enum mp_dat_problem mp_dat_follow_update(struct mp_dat_follow *);
void mp_dat_follow_release(struct mp_dat_follow *);

/* The same from memory. */
enum mp_dat_problem mp_dat_parse(struct mp_timeline *, const char *bytes, size_t length);

/* Whether a regular file is one of ours: its first word is one of the .dat words, or it is empty
   and has the name of a default capture. -1 with errno when it cannot be opened; ELOOP for a
   symbolic link. */
int mp_dat_is_ours(const char *path);

/* Whether the last component of a path looks like mprofile_*.dat. */
bool mp_dat_is_default_name(const char *path);

#endif
