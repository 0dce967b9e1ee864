/* The files below a folder, by name: those of a run lie in folders of its
 * hosts. */
#ifndef MP_BASE_WALK_H
#define MP_BASE_WALK_H

#include <sys/stat.h>

/* What is done with each regular file, link or other thing that is no folder.
 * 0, or -1: the walk ends. */
typedef int mp_walk_file(void *with, const char *path, const struct stat *);

/* Names that begin with a point are left out, links are not followed, and
   nothing is looked into that is deeper than eight folders. A folder that may
   not be read is an error where it was named alone. 0, or -1 with errno, as the
   file's. */
int mp_walk(const char *folder, mp_walk_file *, void *with);

#endif
