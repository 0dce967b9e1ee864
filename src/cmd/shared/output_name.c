#include "cmd/shared/output_name.h"

#include <errno.h>

#include "cmd/shared/command.h"
#include "store/identity/identity.h"

char *mp_output_name(const char *command, const char *pattern)
{
    char *name = mp_identity_name(pattern);
    if (!name && errno == ENOENT)
        mp_fail(
            "%s: no rank for the %%r of '%s': start it with mpirun, mpiexec or srun, or "
            "use %%p",
            command, pattern);
    else if (!name)
        mp_fail("out of memory");
    return name;
}
