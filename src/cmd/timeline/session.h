/* What `mprof run` and `mprof attach` have in common, in the order it happens. */
#ifndef MP_CMD_TIMELINE_SESSION_H
#define MP_CMD_TIMELINE_SESSION_H

#include "cmd/timeline/capture_file.h"
#include "cmd/timeline/child.h"
#include "cmd/timeline/watch.h"

struct mp_session {
    struct mp_capture_file *file; /* borrowed */
    struct mp_child_inheritance inheritance;
    struct mp_watch watch;
};

/* "mprof: Sampling memory every 0.1s", as the classic says it. */
void mp_session_announce(const struct mp_run_settings *);

/* Takes over signals and limits, anchors the clock. */
void mp_session_init(struct mp_session *, const struct mp_run_settings *,
                     struct mp_capture_file *);

/* Opens a process to watch it. 0, or -1 when it cannot be (said in one line). */
int mp_session_watch(struct mp_session *, pid_t pid);

/* Begins the recording: what it is of must stand in the file before the program's own records.
   `shown` is the command. 0, or -1 when it cannot be written (said in one line). */
int mp_session_begin(struct mp_session *, char *const *shown, size_t count);

/* Records until the end, and says what to do with the recording. */
void mp_session_record(struct mp_session *);

void mp_session_release(struct mp_session *);

#endif
