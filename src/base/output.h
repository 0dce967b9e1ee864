/* The only way a file of ours comes to be: never through a symbolic link, never over
 * something that was there, regular, close-on-exec, and with a number out of the way of
 * programs that count on low descriptors.
 *
 *     new capture       mp_output_create()              fails when the name is taken
 *     forced capture    mp_output_begin() + commit()    temporary beside it, then rename
 *     picture, page     mp_output_begin() ... commit()  complete or not there at all
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

struct mp_output {
    int fd;          /* -1 when there is none */
    bool in_place;   /* a pipe or device that was there: written directly */
    char *path;      /* owned: the name to be */
    char *temporary; /* owned: the name until commit */
};

/* Starts a file that will replace `path` at commit; a pipe or device at `path` is opened for
   writing instead. 0, or -1 with errno (EISDIR for a directory). */
int mp_output_begin(struct mp_output *, const char *path, mode_t mode);

/* Gives the file its name. Does not close `fd`. 0, or -1 with errno and nothing left behind. */
int mp_output_commit(struct mp_output *);

/* Frees; removes the temporary when there was no commit. Closes `fd` unless it is -1. */
void mp_output_release(struct mp_output *);

/* Moves a descriptor to 200 or above (3 or above when the table is small), close-on-exec. The
   original is closed. Returns the new one, or -1 with errno and the original closed. */
int mp_output_lift(int fd);

#endif
