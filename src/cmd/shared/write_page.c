#include "cmd/shared/write_page.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/shared/command.h"
#include "store/dat/read.h"
#include "store/heap/read.h"

/* Before the title, which is a user's. */
static bool is_page(int fd)
{
    char start[1024];
    static const char mark[] = "<meta name=\"generator\" content=\"memory_profiler\">";
    ssize_t length = pread(fd, start, sizeof start, 0);
    return length > 0 && memmem(start, (size_t)length, mark, sizeof mark - 1);
}

static int put_into(struct mp_output *output, mp_put_page *put, const void *what)
{
    FILE *file = fdopen(output->fd, "w");
    if (!file)
        return -1;
    output->fd = -1;
    int failed = put(file, what);
    failed |= ferror(file) | fclose(file);
    return failed ? -1 : mp_output_commit(output);
}

mode_t mp_page_mode(const char *recording)
{
    struct stat status;
    bool private = !stat(recording, &status) && !(status.st_mode & (S_IRWXG | S_IRWXO));
    return private ? MP_OUTPUT_PRIVATE : MP_OUTPUT_SHARED;
}

int mp_write_page(const struct mp_page_target *target, mp_put_page *put, const void *what)
{
    struct mp_output output;
    const char *path = target->path;
    const char *kind = target->ours ? target->kind : "a page of ours";
    mp_output_ours *ours = target->ours ? target->ours : is_page;
    if (mp_heap_started(path) >= 0 || mp_dat_is_ours(path) == 1)
        return mp_fail("cannot write %s: it is a recording; name another file", path);
    if (mp_output_begin_any(&output, path, target->mode, target->force ? NULL : ours))
        return mp_fail_output("write", path, kind);
    int failed = put_into(&output, put, what), why = errno;
    mp_output_release(&output);
    errno = why;
    return failed ? mp_fail_output("write", path, kind) : MP_EXIT_OK;
}

bool mp_has_suffix(const char *path, const char *suffix)
{
    size_t length = strlen(path), its = strlen(suffix);
    return length > its && !strcmp(path + length - its, suffix);
}

bool mp_is_picture(const char *path)
{
    static const char *const suffixes[] = {".png",  ".svg",  ".pdf",  ".ps",
                                           ".eps",  ".jpg",  ".jpeg", ".tif",
                                           ".tiff", ".webp", ".svgz", NULL};
    for (const char *const *suffix = suffixes; *suffix; suffix++)
        if (mp_has_suffix(path, *suffix))
            return true;
    return false;
}
