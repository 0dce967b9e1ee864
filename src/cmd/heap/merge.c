/* mprof merge: many heap captures into one file, each kept whole. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/output.h"
#include "cmd/heap/choice.h"
#include "cmd/heap/run.h"
#include "cmd/shared/command.h"
#include "cmd/shared/write_page.h"
#include "report/heap/parts.h"
#include "store/heap/bundle.h"

enum { KEY_FORCE = 256, KEY_NO_CHILDREN };

struct settings {
    const char *output;
    bool force, alone;
};

static const struct mp_option options[] = {
    {'o', "output", "FILE", "write FILE, which must not exist", NULL},
    {KEY_NO_CHILDREN, "no-children", NULL, "leave out the processes that it started", NULL},
    {KEY_FORCE, "force", NULL, "replace an existing FILE", NULL},
    {0},
};

static const char *take(void *to, int key, const char *value)
{
    struct settings *settings = to;
    if (key == 'o')
        settings->output = value;
    settings->force |= key == KEY_FORCE;
    settings->alone |= key == KEY_NO_CHILDREN;
    return NULL;
}

/* What is written, and what is in it by now. */
struct merging {
    struct mp_bundle_writer writer;
    char **names; /* owned, each too */
    size_t count, left_out;
};

static bool is_taken(const struct merging *merging, const char *name)
{
    for (size_t i = 0; i < merging->count; i++)
        if (!strcmp(merging->names[i], name))
            return true;
    return false;
}

/* The file's own name; of two with one name the host's before it, or a number. */
static char *name_for(const struct merging *merging, const char *path,
                      const struct mp_heap_header *header)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    char *name = strdup(base);
    for (int i = 1; name && is_taken(merging, name); i++) {
        free(name);
        int length = i == 1 ? asprintf(&name, "%s.%s", header->identity.host, base)
                            : asprintf(&name, "%d.%s", i, base);
        if (length < 0)
            return NULL;
    }
    if (name && strlen(name) > MP_BUNDLE_NAME)
        name[MP_BUNDLE_NAME] = 0;
    return name;
}

static int open_member(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd < 0 && errno == ENOTDIR ? mp_bundle_extract_path(path) : fd;
}

/* What cannot be read is said and left out. */
static int add(struct merging *merging, const char *path)
{
    struct mp_heap_capture capture;
    int left_out = mp_heap_open(&capture, path), code = 0;
    int from = left_out ? -1 : open_member(path);
    char **name = &merging->names[merging->count];
    *name = left_out ? NULL : name_for(merging, path, capture.view.header);
    merging->left_out += left_out != 0;
    if (!left_out &&
        (from < 0 || !*name ||
         mp_bundle_add(&merging->writer, from, *name, capture.view.header->wall_start)))
        code = mp_fail("cannot merge %s: %s", path, strerror(errno));
    merging->count += *name != NULL;
    if (from >= 0)
        close(from);
    mp_heap_capture_release(&capture);
    return code;
}

static int add_all(struct merging *merging, const struct mp_heap_members *members)
{
    int code = 0;
    merging->names = calloc(members->count + 1, sizeof *merging->names);
    if (!merging->names)
        return mp_fail("out of memory");
    for (size_t i = 0; i < members->count && !code; i++)
        code = add(merging, members->paths[i]);
    if (!code && !merging->count)
        code = mp_fail("none of the captures can be read: nothing is written");
    return code;
}

static void say_done(const struct merging *merging, const char *path)
{
    char size[MP_HEAP_FIGURE];
    mp_note("%s: %zu captures, %s; to see them: mprof report --by worker %s", path,
            merging->count, mp_heap_size((int64_t)merging->writer.at, size), path);
    if (merging->left_out)
        mp_note("%zu could not be read, and are not in it", merging->left_out);
}

static bool never(int fd)
{
    (void)fd;
    return false;
}

static int cannot_write(const char *path)
{
    return errno == EEXIST
               ? mp_fail("cannot write %s: it exists; --force replaces it", path)
               : mp_fail_output("write", path, "");
}

static int write_all(const struct settings *settings, const struct mp_heap_members *members)
{
    struct mp_output output;
    struct merging merging = {0};
    if (mp_output_begin(&output, settings->output, MP_OUTPUT_PRIVATE,
                        settings->force ? NULL : never))
        return cannot_write(settings->output);
    mp_bundle_begin(&merging.writer, output.fd);
    int code = add_all(&merging, members);
    if (!code && (mp_bundle_end(&merging.writer) || mp_output_commit(&output)))
        code = cannot_write(settings->output);
    if (!code)
        say_done(&merging, settings->output);
    mp_output_release(&output);
    free(merging.writer.index);
    for (size_t i = 0; i < merging.count; i++)
        free(merging.names[i]);
    free(merging.names);
    return code ? code : merging.left_out ? MP_EXIT_FAILURE : MP_EXIT_OK;
}

static int run(void *from, int count, char **operands)
{
    const struct settings *settings = from;
    struct mp_heap_members named, all = {0};
    char *name = NULL;
    if (!settings->output || !count) {
        mp_fail("merge: needs -o FILE and captures or folders; see 'mprof help merge'");
        return MP_EXIT_USAGE;
    }
    int code = mp_heap_choose_all(&named, &name, count, operands);
    if (!code)
        code = mp_heap_members_with_children(&all, &named, settings->alone);
    if (!code)
        code = write_all(settings, &all);
    mp_heap_members_release(&named);
    mp_heap_members_release(&all);
    free(name);
    return code;
}

const struct mp_command mp_command_merge = {
    "merge",
    "-o FILE file|folder|index...",
    "put heap captures of many processes or machines into one file",
    "Writes one file that has all the captures that are named, those below folders and those of children, "
    "each whole. Every command that shows a capture shows the file, all of them together, --by worker, host, rank "
    "or process; one of them is FILE/NAME, wherever a capture is named.",
    MP_OPERANDS_PROFILES,
    options,
    take,
    sizeof(struct settings),
    run,
};
