/* What somebody may have meant who typed a command that there is not. */
#ifndef MP_CMD_SUGGEST_H
#define MP_CMD_SUGGEST_H

/* "mprof: no command ..." with the command that is nearest, or what records a program when the
   word names one; returns MP_EXIT_USAGE. */
int mp_suggest(const char *word);

#endif
