/* The file a run is recorded into: named, guarded, and gone again if the run never began. */
#ifndef MP_CMD_TIMELINE_CAPTURE_FILE_H
#define MP_CMD_TIMELINE_CAPTURE_FILE_H

#include <stdbool.h>

struct mp_capture_file {
    int fd;
    char *path;  /* owned: absolute */
    char *shown; /* owned: as the user would type it */
    bool used;   /* something was recorded into it */
};

/* Creates the file (`output` NULL: a default name that is free). Says in one line why not, or
   what became of a file that was there. 0, or -1. */
int mp_capture_file_open(struct mp_capture_file *, const char *output, bool force);

/* Closes; leaves no file behind that was not used. */
void mp_capture_file_release(struct mp_capture_file *);

#endif
