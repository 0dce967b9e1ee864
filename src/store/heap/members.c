#include "store/heap/members.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/walk.h"
#include "store/heap/bundle.h"
#include "store/heap/read.h"

/* The analyzer loses sight of what is kept in an array. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

static bool is_known(const struct mp_heap_members *members,
                     const struct mp_heap_member_key *key)
{
    for (size_t i = 0; i < members->count; i++)
        if (members->keys[i].inode == key->inode &&
            members->keys[i].device == key->device &&
            members->keys[i].number == key->number)
            return true;
    return false;
}

static int add(struct mp_heap_members *members, const char *path,
               const struct mp_heap_member_key *key)
{
    if (key->inode && is_known(members, key))
        return 0;
    if (mp_array_reserve((void **)&members->paths, &members->room, members->count + 1,
                         sizeof *members->paths) ||
        mp_array_reserve((void **)&members->keys, &members->key_room, members->count + 1,
                         sizeof *members->keys))
        return -1;
    members->keys[members->count] = *key;
    members->paths[members->count] = strdup(path);
    if (!members->paths[members->count])
        return -1;
    members->count++;
    return 0;
}

static int add_bundled(struct mp_heap_members *members, const struct mp_bundle *bundle,
                       const char *path, struct mp_heap_member_key key)
{
    int failed = 0;
    for (size_t i = 0; i < bundle->head.count && !failed; i++) {
        char *name;
        key.number = i + 1;
        if (asprintf(&name, "%s/%s", path, bundle->members[i].name) < 0)
            return -1;
        failed = add(members, name, &key);
        free(name);
    }
    return failed;
}

static int add_file(struct mp_heap_members *members, const char *path,
                    const struct stat *status)
{
    struct mp_bundle bundle;
    struct mp_heap_member_key key = {status->st_dev, status->st_ino, 0};
    int failed = S_ISREG(status->st_mode) ? mp_bundle_open(&bundle, path) : -1;
    if (!S_ISREG(status->st_mode))
        return add(members, path, &key);
    if (!failed)
        failed = add_bundled(members, &bundle, path, key);
    else if (errno != EBADMSG && errno != ENOMEM)
        failed = add(members, path, &key); /* a capture, or who reads it says so */
    mp_bundle_release(&bundle);
    return failed;
}

static int add_if_capture(void *members, const char *path, const struct stat *status)
{
    return mp_heap_started(path) >= 0 ? add_file(members, path, status) : 0;
}

int mp_heap_members_add(struct mp_heap_members *members, const char *path)
{
    struct stat status;
    if (stat(path, &status)) {
        struct mp_heap_member_key unknown = {0};
        return errno == ENOTDIR ? add(members, path, &unknown) : -1;
    }
    if (!S_ISDIR(status.st_mode))
        return add_file(members, path, &status);
    size_t before = members->count;
    if (mp_walk(path, add_if_capture, members))
        return -1;
    errno = ENOENT;
    return members->count > before ? 0 : -1;
}

void mp_heap_members_release(struct mp_heap_members *members)
{
    for (size_t i = 0; i < members->count; i++)
        free(members->paths[i]);
    free(members->paths);
    free(members->keys);
    *members = (struct mp_heap_members){0};
}
