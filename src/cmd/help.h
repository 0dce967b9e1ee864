/* Everything mprof says about itself, made from the command table. */
#ifndef MP_CMD_HELP_H
#define MP_CMD_HELP_H

#include <stdio.h>

#include "cmd/shared/command.h"

enum { MP_KEY_VERSION = 1000 };

void mp_help_usage(FILE *);                              /* bare `mprof` */
void mp_help_command(FILE *, const struct mp_command *); /* mprof CMD -h */
void mp_help_version(FILE *);
void mp_help_manual(FILE *);                               /* mprof(1) in man(7) macros */
void mp_help_manual_of(FILE *, const struct mp_command *); /* mprof-run(1) */
void mp_help_bash(FILE *);
void mp_help_zsh(FILE *);
void mp_help_fish(FILE *);

#endif
