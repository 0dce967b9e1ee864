/* Names of recordings that say whose they are: run.%h.%p.%r.dat. */
#ifndef MP_CMD_SHARED_OUTPUT_NAME_H
#define MP_CMD_SHARED_OUTPUT_NAME_H

/* The name that a pattern gives this process, the caller's to free; NULL: it has none, and why was said.
   `command` is who asks. */
char *mp_output_name(const char *command, const char *pattern);

#endif
