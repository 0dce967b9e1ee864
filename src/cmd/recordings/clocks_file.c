#include "cmd/recordings/clocks_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/shared/command.h"

enum { LONGEST = 512 };

/* 0, or -1: the line is none of ours. */
static int take_line(struct mp_whole_options *options, char *line)
{
    line[strcspn(line, "\r\n")] = 0;
    char *blank = strrchr(line, ' ');
    if (!*line || *line == '#')
        return 0;
    if (!blank)
        return -1;
    *blank = '=';
    if (mp_whole_take_clock(options, line))
        return -1;
    options->offsets[options->offset_count - 1].met =
        true; /* of hosts without recordings, too */
    options->measured++;
    return 0;
}

/* A pipe may be called anything. */
static FILE *open_file(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    FILE *file =
        fd >= 0 && !fstat(fd, &status) && S_ISREG(status.st_mode) ? fdopen(fd, "r") : NULL;
    if (fd >= 0 && !file)
        close(fd);
    return file;
}

void mp_clocks_file_read(struct mp_whole_options *options, const char *folder)
{
    char *path, line[LONGEST];
    size_t wrong = 0;
    if (asprintf(&path, "%s/" MP_CLOCKS_FILE, folder) < 0)
        return;
    FILE *file = open_file(path);
    while (file && fgets(line, sizeof line, file))
        wrong += take_line(options, line) != 0;
    if (file)
        fclose(file);
    if (wrong)
        mp_note("%s: skipped %zu %s that say no clock", path, wrong,
                wrong == 1 ? "line" : "lines");
    free(path);
}
