/* What an engine measured of its hosts' clocks, in a file beside their recordings. */
#ifndef MP_CMD_RECORDINGS_CLOCKS_FILE_H
#define MP_CMD_RECORDINGS_CLOCKS_FILE_H

#include "cmd/recordings/whole.h"

#define MP_CLOCKS_FILE "clocks.txt"

/* Adds what FOLDER/clocks.txt says, a line "HOST SECONDS" for each host, to those given before, which stand.
   A path that is no folder, or has no such file, says nothing; lines that are not understood are counted in a note. */
void mp_clocks_file_read(struct mp_whole_options *, const char *folder);

#endif
