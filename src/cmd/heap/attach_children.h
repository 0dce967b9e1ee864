/* The processes that a recording from outside with --children has come to, beside the first. */
#ifndef MP_CMD_HEAP_ATTACH_CHILDREN_H
#define MP_CMD_HEAP_ATTACH_CHILDREN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct mp_attach_children {
    pid_t *pids; /* owned: as we know them */
    size_t count, room;
    size_t ended; /* of those that were asked */
};

/* Those that record now, beside the first capture of their run. 0, or -1 with errno; the caller releases
   them either way. */
int mp_attach_children_find(struct mp_attach_children *, const char *first);
void mp_attach_children_release(struct mp_attach_children *);

/* Ends what they record; their captures stay beside the first. The signals are those of mp_attach_ask(). Who is
   among `asked` is not asked again; the others are added, and the caller releases it. 0, or the exit code of what it
   said. */
int mp_attach_children_end(const char *first, const sigset_t *ends,
                           struct mp_attach_children *asked);
void mp_attach_children_say(size_t ended);

/* Whether a process has this capture open, and did not close it. */
bool mp_attach_children_record(const char *path);

/* Until another mprof has ended them, for some seconds. */
void mp_attach_children_wait(const char *first);

/* Those that it had before: "2 Python processes that it started before are not recorded: 4711, 4712". False:
   there are none. */
bool mp_attach_children_unrecorded(pid_t pid, char *text, size_t size);

#endif
