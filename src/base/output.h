/* The only way a file of ours comes to be: never through a symbolic link, never over
 * something that was there and is not ours, close-on-exec, and with a number out of the way of
 * programs that count on low descriptors.
 *
 *     new capture       mp_output_create()              fails when the name is taken
 *     forced capture    mp_output_begin() + commit()    temporary beside it, then rename
 *     picture, page     mp_output_begin_any() ... commit()  complete or not there at all
 *
 * python/memory_profiler/_output.py is its twin for what Python writes.
 */
#ifndef MP_BASE_OUTPUT_H
#define MP_BASE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    MP_OUTPUT_PRIVATE = 0600, /* captures: arguments and paths may hold secrets */
    MP_OUTPUT_SHARED = 0666   /* pictures and pages: the umask decides */
};

/* Creates a file for appending, readable too (mappings need it). Returns its descriptor, or -1 with errno: EEXIST something has
   that name, ELOOP a symbolic link has, EINVAL not a regular file, or what open(2) says.
   MP_OUTPUT_PRIVATE is exact, whatever the umask. */
int mp_output_create(const char *path, mode_t mode);

/* Whether a file that has the name of an output is one that we made and may be replaced. */
typedef bool mp_output_ours(int fd);

struct mp_output {
    int fd;          /* -1 when there is none */
    bool fresh;      /* nothing had the name: nothing may have it at commit */
    bool in_place;   /* a pipe or device that was there: written directly */
    char *path;      /* owned: the name to be */
    char *temporary; /* owned: the name until commit */
};

/* Starts a file that will replace `path` at commit. What is there must be nothing, an empty file or
   `ours`; where that is NULL, by the user's wish, any file or link. 0, or -1 with errno: EEXIST a file that
   is not ours, ELOOP a symbolic link, EISDIR, EINVAL a pipe or device, or what open(2) says. */
int mp_output_begin(struct mp_output *, const char *path, mode_t mode,
                    mp_output_ours *ours);

/* The same; a pipe or device at `path` is opened for writing (links in /dev and /proc are followed).
   ENXIO: a pipe that nobody read from within a second. */
int mp_output_begin_any(struct mp_output *, const char *path, mode_t mode,
                        mp_output_ours *ours);

/* Gives the file its name. Does not close `fd`. 0, or -1 with errno and nothing left behind:
   EEXIST something took the name meanwhile. */
int mp_output_commit(struct mp_output *);

/* Frees; removes the temporary when there was no commit. Closes `fd` unless it is -1. */
void mp_output_release(struct mp_output *);

/* Appends in one write(2), for processes that are not ours: where the file is at the limit on file
   sizes it is EFBIG, and no SIGXFSZ. 0, or -1 with errno (ENOSPC: not all of it). */
int mp_output_append(int fd, const char *text, size_t length);

/* Moves a descriptor that is close-on-exec to 200 or above (3 or above when the table is small).
   The original is closed. Returns the new one, or -1 with errno and the original closed. */
int mp_output_lift(int fd);

#endif
