/* Writes a .dat file, record by record; the grammar is docs/dat-file.md.
 *
 * Records gather in a buffer and go out with one write(2) when it fills, when the oldest of them
 * is half a second old, or at a flush: whoever dies, at most one second is missing. A writer
 * remembers its first failure; after it, putting is a no-op and mp_dat_writer_error() tells.
 */
#ifndef MP_STORE_DAT_WRITE_H
#define MP_STORE_DAT_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "record/identity.h"
#include "record/timeline.h"

struct mp_dat_writer {
    int fd;       /* borrowed; O_APPEND: the program's own records go to the same file */
    int error;    /* errno of the first failure, 0 */
    int decimals; /* of a second: 4, or 6 below a millisecond's interval */
    size_t used;
    int64_t oldest;  /* monotonic ns of the first unwritten record */
    uint64_t writes; /* write(2) calls, for tests of work */
    char buffer[1 << 15];
};

struct mp_dat_header {
    int pid;
    int64_t interval, offset;   /* ns; unix time = CLOCK_MONOTONIC + offset */
    const char *metric, *marks; /* "rss"; "owned", "watched", "none" */
    int children;               /* the totals are of a tree */
    struct mp_identity identity;
};

void mp_dat_writer_init(struct mp_dat_writer *, int fd, int64_t interval);

void mp_dat_put_header(struct mp_dat_writer *, const struct mp_dat_header *);
void mp_dat_put_command(struct mp_dat_writer *, char *const *arguments, size_t count);

/* `each`: a CHLD record per reading. */
void mp_dat_put_round(struct mp_dat_writer *, const struct mp_round *, int each);
void mp_dat_put_end(struct mp_dat_writer *, const struct mp_run_end *);

/* Writes what has waited for half a second, or would have waited for more than that by `next`
   (both monotonic ns). */
void mp_dat_writer_tick(struct mp_dat_writer *, int64_t now, int64_t next);

/* Writes everything; returns 0 or -1 with errno, as every later call does. */
int mp_dat_writer_flush(struct mp_dat_writer *);

#endif
