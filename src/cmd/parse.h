/* From the words behind a command's name to its settings, by its table of options. */
#ifndef MP_CMD_PARSE_H
#define MP_CMD_PARSE_H

#include "cmd/shared/command.h"

/* Parses the arguments behind the command's name and runs it; returns the exit code. */
int mp_command_main(const struct mp_command *, int count, char **arguments);

#endif
