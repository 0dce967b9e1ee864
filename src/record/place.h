/* Whose a file of Python code is, by its path. Paths are bytes with a length. */
#ifndef MP_RECORD_PLACE_H
#define MP_RECORD_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#define MP_PLACE_REQUEST "<mprof>" /* code that mprof has a process run */

bool mp_place_ends_with(const char *path, size_t length, const char *end);

/* Import machinery: frames between an import statement and the module that it runs, as tracebacks
   leave them out. */
bool mp_place_is_importer(const char *path, size_t length);

/* runpy, which starts modules for `python -m`; what Python runs within the program mprof, and finds it with. */
bool mp_place_is_starter(const char *path, size_t length);

/* Installed beside Python, by pip or the system. */
bool mp_place_is_package(const char *path, size_t length);

/* Of Python's library, or frozen into the interpreter. */
bool mp_place_is_library(const char *path, size_t length);

/* How much of a path is before what is installed: up to behind site-packages, dist-packages or the
   folder of Python's library; 0: it is none of these. */
size_t mp_place_installed(const char *path, size_t length);

/* How much of an installed file's path is its package's: up to behind the package's folder, or all
   of a module. 0: it is not installed. */
size_t mp_place_package_length(const char *path, size_t length);

/* Whether it is a command: pip makes them, to call what it installed. */
bool mp_place_is_script(const char *path, size_t length);

/* What starts programs to record their heaps, and what else of ours is installed. */
bool mp_place_is_recorder(const char *path, size_t length);

#endif
