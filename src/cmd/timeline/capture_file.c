#include "cmd/timeline/capture_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/output.h"
#include "cmd/shared/command.h"
#include "store/dat/read.h"

enum { MOST_IN_ONE_SECOND = 1000 };

static int refuse(const char *path, const char *why)
{
    mp_fail("cannot record into %s: %s", path, why);
    return -1;
}

/* By errno. */
static int refuse_output(const char *path)
{
    mp_fail_output("record into", path, "a recording");
    return -1;
}

static int create_default(struct mp_capture_file *file)
{
    char stamp[32];
    time_t now = time(NULL);
    strftime(stamp, sizeof stamp, "%Y%m%d%H%M%S", localtime(&now));
    for (int i = 0; i < MOST_IN_ONE_SECOND; i++) {
        char suffix[16] = "";
        if (i)
            snprintf(suffix, sizeof suffix, "-%d", i);
        if (asprintf(&file->shown, "mprofile_%s%s.dat", stamp, suffix) < 0) {
            file->shown = NULL;
            return -1;
        }
        file->fd = mp_output_create(file->shown, MP_OUTPUT_PRIVATE);
        if (file->fd >= 0)
            return 0;
        if (errno != EEXIST && errno != ELOOP && errno != EISDIR)
            break;
        if (i < MOST_IN_ONE_SECOND - 1) {
            free(file->shown);
            file->shown = NULL;
        }
    }
    return -1;
}

/* An earlier recording of ours makes room; nothing else is touched. */
static int move_away(const char *path)
{
    char *old;
    struct stat status;
    if (mp_dat_is_ours(path) != 1) {
        errno = EEXIST;
        return refuse_output(path);
    }
    if (asprintf(&old, "%s.old", path) < 0)
        return refuse(path, "out of memory");
    int failed = -1;
    if (!lstat(old, &status) && mp_dat_is_ours(old) != 1)
        refuse(path,
               "the name for the earlier one, with .old, is taken; --force replaces it");
    else if (rename(path, old))
        refuse(path, strerror(errno));
    else
        failed = 0;
    if (!failed)
        mp_note("the earlier recording is now %s", old);
    free(old);
    return failed;
}

static int create_forced(struct mp_capture_file *file, const char *path)
{
    struct mp_output output;
    if (mp_output_begin(&output, path, MP_OUTPUT_PRIVATE, NULL))
        return refuse_output(path);
    int failed = mp_output_commit(&output) ? refuse_output(path) : 0;
    if (!failed) {
        file->fd = output.fd;
        output.fd = -1;
    }
    mp_output_release(&output);
    return failed;
}

static int create_named(struct mp_capture_file *file, const char *path, bool force)
{
    if (!(file->shown = strdup(path)))
        return refuse(path, "out of memory");
    file->fd = mp_output_create(path, MP_OUTPUT_PRIVATE);
    if (file->fd < 0 && force && (errno == EEXIST || errno == ELOOP))
        return create_forced(file, path);
    if (file->fd < 0 && errno == EEXIST) {
        if (move_away(path))
            return -1;
        file->fd = mp_output_create(path, MP_OUTPUT_PRIVATE);
    }
    return file->fd < 0 ? refuse_output(path) : 0;
}

/* The program may change directory before it opens the file. */
static char *absolute(const char *path)
{
    char *here = NULL, *whole = NULL;
    if (*path == '/')
        return strdup(path);
    if (!(here = getcwd(NULL, 0)) || asprintf(&whole, "%s/%s", here, path) < 0)
        whole = NULL;
    free(here);
    return whole;
}

int mp_capture_file_open(struct mp_capture_file *file, const char *output, bool force)
{
    *file = (struct mp_capture_file){.fd = -1};
    if (output && create_named(file, output, force))
        return -1;
    if (!output && create_default(file)) {
        char *here = getcwd(NULL, 0);
        mp_fail("cannot create %s in %s: %s", file->shown ? file->shown : "a file",
                here ? here : "the current directory, which is gone", strerror(errno));
        free(here);
        return -1;
    }
    file->path = absolute(file->shown);
    if (file->path)
        return 0;
    mp_fail("cannot name %s: %s", file->shown, strerror(errno));
    return -1;
}

void mp_capture_file_release(struct mp_capture_file *file)
{
    if (file->fd >= 0 && !file->used)
        unlink(file->shown);
    if (file->fd >= 0)
        close(file->fd);
    free(file->path);
    free(file->shown);
    *file = (struct mp_capture_file){.fd = -1};
}
