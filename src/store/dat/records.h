/* The records of a .dat file, one line at a time; behind dat/read.h, for its own files only. */
#ifndef MP_STORE_DAT_RECORDS_H
#define MP_STORE_DAT_RECORDS_H

#include "record/series.h"
#include "store/dat/fields.h"

struct mp_dat_reader {
    struct mp_timeline *timeline;
    uint64_t line; /* number of the current line */
    bool overlong; /* the current line was longer than a line may be */
    bool no_memory;
    int *open; /* owned: indices of spans that have not been left */
    size_t open_count, open_room;
    int *numbers; /* owned: the call number of each span, 0: none */
    size_t number_room;
};

/* Reads one line (without its newline) into the timeline, or counts it as skipped. */
void mp_dat_read_line(struct mp_dat_reader *, const char *at, const char *end);

/* Whether a text starts with the word of a record. */
bool mp_dat_is_record(const char *text);

/* The readers of function records: 1 understood, 0 not, -1 no memory. */
int mp_dat_read_function(struct mp_dat_reader *, struct mp_fields);
int mp_dat_read_call(struct mp_dat_reader *, struct mp_fields);
int mp_dat_read_done(struct mp_dat_reader *, struct mp_fields);

/* A copy of bytes with their escapes undone, a string too; the caller frees it. NULL: no memory. */
char *mp_dat_unescaped(const char *at, const char *end, size_t *length);

#endif
