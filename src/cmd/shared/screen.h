/* What standard output can show. */
#ifndef MP_CMD_SHARED_SCREEN_H
#define MP_CMD_SHARED_SCREEN_H

#include <stdbool.h>

/* COLUMNS, else the terminal's width, else 0: it is no terminal. */
int mp_screen_width(void);

/* LINES, else the terminal's height, else 0. */
int mp_screen_rows(void);

/* Whether it is a terminal that can do more than print. */
bool mp_screen_is_terminal(void);

enum mp_colour { MP_COLOUR_AUTO, MP_COLOUR_ALWAYS, MP_COLOUR_NEVER };
extern const char mp_colour_words[]; /* "auto always never" */

/* Whether to print in bold: automatically on such a terminal, unless NO_COLOR is set; elsewhere
   where CLICOLOR_FORCE is. */
bool mp_screen_is_coloured(enum mp_colour);

/* Whether the locale's encoding is UTF-8. */
bool mp_screen_is_utf8(void);

#endif
