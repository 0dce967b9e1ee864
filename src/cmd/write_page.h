/* Pages that commands write: complete, or not there at all. */
#ifndef MP_CMD_WRITE_PAGE_H
#define MP_CMD_WRITE_PAGE_H

#include <stdbool.h>
#include <stdio.h>

/* Writes the page; 0, or -1 with errno. */
typedef int mp_put_page(FILE *, const void *what);

/* The page at `path`, which it replaces; tells what goes wrong. Returns an exit code. */
int mp_write_page(const char *path, mp_put_page *put, const void *what);

bool mp_has_suffix(const char *path, const char *suffix);

/* Whether the name says that it is to be no page. */
bool mp_is_picture(const char *path);

#endif
