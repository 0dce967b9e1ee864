/* Pages that commands write: complete, or not there at all. */
#ifndef MP_CMD_SHARED_WRITE_PAGE_H
#define MP_CMD_SHARED_WRITE_PAGE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/output.h"

/* Writes the page; 0, or -1 with errno. */
typedef int mp_put_page(FILE *, const void *what);

/* Where a page goes: it replaces an earlier page of ours, and any other file by `force`. */
struct mp_page_target {
    const char *path;
    mode_t mode; /* MP_OUTPUT_PRIVATE or _SHARED */
    bool force;
    mp_output_ours *ours; /* what is written is no page: which it may replace; else NULL */
    const char *kind;     /* and what these are called */
};

/* MP_OUTPUT_PRIVATE where the recording that a page shows is private, else MP_OUTPUT_SHARED. */
mode_t mp_page_mode(const char *recording);

/* Tells what goes wrong. Returns an exit code. */
int mp_write_page(const struct mp_page_target *, mp_put_page *put, const void *what);

bool mp_has_suffix(const char *path, const char *suffix);

/* Whether the name says that it is to be no page. */
bool mp_is_picture(const char *path);

#endif
