#include "store/identity/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char boot[] = "/proc/sys/kernel/random/boot_id";

/* Slurm's last: an mpirun in a job has its own ranks, and that one's variable. */
static const char *const rank_names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
                                         "MV2_COMM_WORLD_RANK", "SLURM_PROCID"};

const char *mp_identity_rank(void)
{
    for (size_t i = 0; i < sizeof rank_names / sizeof *rank_names; i++) {
        const char *rank = getenv(rank_names[i]);
        size_t length = rank ? strlen(rank) : 0;
        if (length && length < MP_IDENTITY_RANK && strspn(rank, "0123456789") == length)
            return rank;
    }
    return NULL;
}

static void find_host(char host[MP_IDENTITY_HOST])
{
    if (gethostname(host, MP_IDENTITY_HOST))
        *host = 0;
    host[MP_IDENTITY_HOST - 1] = 0;
}

static void find_clock(char clock[MP_IDENTITY_CLOCK])
{
    int fd = open(boot, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, clock, MP_IDENTITY_CLOCK - 1) : 0;
    if (fd >= 0)
        close(fd);
    clock[got > 0 ? got : 0] = 0;
    clock[strcspn(clock, "\n")] = 0;
}

static void copy(char *to, size_t room, const char *from)
{
    size_t length = from ? strlen(from) : 0;
    length = length < room ? length : room - 1;
    if (length)
        memcpy(to, from, length);
    to[length] = 0;
}

void mp_identity_find(struct mp_identity *identity)
{
    int kept = errno;
    find_host(identity->host);
    find_clock(identity->clock);
    copy(identity->rank, sizeof identity->rank, mp_identity_rank());
    copy(identity->worker, sizeof identity->worker, getenv("MPROF_WORKER"));
    errno = kept;
}

void mp_identity_end(struct mp_identity *identity)
{
    identity->host[MP_IDENTITY_HOST - 1] = identity->clock[MP_IDENTITY_CLOCK - 1] = 0;
    identity->rank[MP_IDENTITY_RANK - 1] = identity->worker[MP_IDENTITY_WORKER - 1] = 0;
}

/* What stands in the place of a letter; NULL with errno: nothing does. */
static const char *word_of(char letter, char room[MP_IDENTITY_HOST])
{
    const char *rank = mp_identity_rank();
    errno = EINVAL;
    if (letter == '%')
        return "%";
    if (letter == 'h') {
        find_host(room);
        return room;
    }
    if (letter == 'p') {
        snprintf(room, MP_IDENTITY_HOST, "%d", (int)getpid());
        return room;
    }
    if (letter == 'r' && !rank)
        errno = ENOENT;
    return letter == 'r' ? rank : NULL;
}

char *mp_identity_name(const char *pattern)
{
    char *name = NULL, room[MP_IDENTITY_HOST];
    size_t size;
    FILE *out = open_memstream(&name, &size);
    bool lacks_rank = false;
    for (const char *at = pattern; out && *at; at++) {
        const char *word = *at == '%' ? word_of(at[1], room) : NULL;
        lacks_rank |= *at == '%' && !word && errno == ENOENT;
        fputs(word ? word : (char[2]){*at, 0}, out);
        at += word != NULL;
    }
    if (!out || fclose(out) || lacks_rank) {
        free(name);
        errno = lacks_rank ? ENOENT : ENOMEM;
        return NULL;
    }
    return name;
}
