/* Names of files without detours: "./a//b/../c.py" is "a/c.py". By the letters alone; links are not
 * looked at. */
#ifndef MP_BASE_PATH_H
#define MP_BASE_PATH_H

/* Owned by the caller; NULL without memory. */
char *mp_path_normal(const char *path);

#endif
