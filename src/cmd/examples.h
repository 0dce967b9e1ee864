/* What to type, for each command: its help and its manual page show it. */
#ifndef MP_CMD_EXAMPLES_H
#define MP_CMD_EXAMPLES_H

#include "cmd/shared/command.h"

struct mp_example {
    const char *type; /* a line of a shell; NULL ends the list */
    const char *does;
};

/* Those of a command, the most usual first; NULL: it has none. */
const struct mp_example *mp_examples_of(const struct mp_command *);

#endif
