/* Captures that are shown together: files, all below folders, and those in bundles, each once. */
#ifndef MP_STORE_HEAP_MEMBERS_H
#define MP_STORE_HEAP_MEMBERS_H

#include <stddef.h>
#include <sys/types.h>

struct mp_heap_members {
    char **paths; /* owned, each too; of a bundle's FILE/NAME */
    struct mp_heap_member_key {
        dev_t device;
        ino_t inode;
        size_t number; /* in a bundle, from 1 on */
    } * keys;          /* owned */
    size_t count, room, key_room;
};

/* Adds what the path stands for. A file is added whatever is in it, of a folder those files that are captures or
   bundles, by name, and of folders in it up to a depth; links in it are not followed. 0, or -1 with errno: ENOENT
   also of a folder without any, EBADMSG of a bundle that is damaged. */
int mp_heap_members_add(struct mp_heap_members *, const char *path);
void mp_heap_members_release(struct mp_heap_members *);

#endif
