/* What standard output can show. */
#ifndef MP_CMD_SCREEN_H
#define MP_CMD_SCREEN_H

#include <stdbool.h>

/* COLUMNS, else the terminal's width, else 0: it is no terminal. */
int mp_screen_width(void);

/* Whether the locale's encoding is UTF-8. */
bool mp_screen_is_utf8(void);

#endif
