/* `mprof heap mpirun ...`: a program that is not Python's, whose Python processes record into a
 * folder, each by itself, as the environment tells them: docs/cluster.md.
 */
#ifndef MP_CMD_HEAP_LAUNCH_H
#define MP_CMD_HEAP_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

struct mp_heap_launch {
    const char *folder; /* borrowed; with a slash at its end */
    uint64_t sample, max_file;
    bool no_native, no_source;
};

/* Whether a command is no Python program: an executable, or a script of another interpreter. */
bool mp_heap_launch_is_other(const char *command);

/* Whether it is known to start many others: mpirun, srun, spark-submit and their like. */
bool mp_heap_launch_is_launcher(const char *command);

/* Becomes the command. Returns, with the exit code, only when that failed, and why was said. */
int mp_heap_launch(const struct mp_heap_launch *, char **words);

#endif
