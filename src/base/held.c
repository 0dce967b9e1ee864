#include "base/held.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/vfs.h>
#include <unistd.h>

/* statfs(2)'s names of what may lie on another machine. */
static const long elsewhere[] = {
    0x6969,     /* NFS */
    0x517b,     /* SMB */
    0xff534d42, /* CIFS */
    0xfe534d42, /* SMB2 */
    0x65735546, /* FUSE */
    0x01021997, /* 9P */
    0x00c36400, /* Ceph */
    0x0bd00bd0, /* Lustre */
    0x5346414f, /* AFS */
    0x47504653, /* GPFS */
};

bool mp_held_is_known(int fd)
{
    struct statfs system;
    if (fstatfs(fd, &system))
        return false;
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        if ((unsigned)system.f_type == (unsigned)elsewhere[i])
            return false;
    return true;
}

void mp_held_take(int fd)
{
    int kept = errno;
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (mp_held_is_known(fd))
        fcntl(fd, F_SETLK, &all);
    errno = kept;
}

bool mp_held_by_other(int fd)
{
    struct flock all = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    return mp_held_is_known(fd) && !fcntl(fd, F_GETLK, &all) && all.l_type != F_UNLCK;
}
