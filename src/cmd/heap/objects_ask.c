#include "cmd/heap/objects_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/heap/asking.h"
#include "cmd/heap/attach_ask.h"
#include "cmd/heap/attach_home.h"
#include "cmd/heap/attach_open.h"
#include "cmd/heap/attach_refusal.h"
#include "cmd/heap/objects_turn.h"
#include "cmd/shared/command.h"
#include "store/heap/copy.h"

/* ns; a child has two minutes of the processor, then it is no more. */
static const int64_t to_run = 2000000000, to_look = 130000000000, a_moment = 5000000;

enum { TRIES = 20 };

void mp_heap_objects_release(struct mp_heap_objects_answer *answer)
{
    free(answer->path);
    if (answer->fd >= 0)
        close(answer->fd);
    *answer = (struct mp_heap_objects_answer){.fd = -1};
}

/* Whether it came: the exit code is 0 then. */
static bool wait_for_answer(const struct mp_heap_asking *asking, const char *pid, int *code)
{
    enum mp_heap_asking_state before = MP_HEAP_ASKING_WAITS;
    int64_t since = mp_clock_ns();
    for (;;) {
        enum mp_heap_asking_state state = mp_heap_asking_holders(asking);
        if (state != before)
            since = mp_clock_ns();
        before = state;
        *code = 0;
        if (state == MP_HEAP_ASKING_ANSWERED)
            return true;
        if (mp_heap_asking_is_over(asking)) {
            *code =
                mp_fail("process %s ended before it had answered, or became another", pid);
            return false;
        }
        if (mp_clock_ns() - since > (state == MP_HEAP_ASKING_BEGUN ? to_look : to_run))
            return false;
        nanosleep(&(struct timespec){.tv_nsec = a_moment}, NULL);
    }
}

/* A copy, since what the next one asks goes where our answer is. */
static int copy_answer(struct mp_heap_objects_answer *answer,
                       const struct mp_heap_asking *asking, const char *pid)
{
    enum mp_heap_problem problem = MP_HEAP_SYSTEM;
    answer->fd = memfd_create("mprof", MFD_CLOEXEC);
    if (answer->fd >= 0)
        problem = mp_heap_copy(asking->fd, answer->fd);
    if (!problem && asprintf(&answer->path, "/proc/self/fd/%d", answer->fd) < 0)
        problem = MP_HEAP_SYSTEM;
    if (!problem)
        return MP_EXIT_OK;
    return mp_fail("cannot read what process %s answered: %s", pid,
                   problem == MP_HEAP_SYSTEM
                       ? strerror(errno)
                       : "another version of memory_profiler records it");
}

/* Else another one asked, who took no turn, or the recording ended meanwhile. An earlier version does not
   say what it answers. */
static bool is_to(const struct mp_heap_objects_answer *answer,
                  const struct mp_heap_wants *wants)
{
    struct mp_heap_made made;
    struct mp_heap_header *header = malloc(sizeof *header);
    bool is = header && !mp_heap_header_read(answer->fd, header, &made);
    if (is && header->holders.of)
        is = header->holders.of == mp_heap_wants_mark(wants);
    else if (is)
        is = header->counts[MP_HEAP_HOLDERS];
    free(header);
    return is;
}

enum asked { UNANSWERED, ANSWERED, OTHERS };

static enum asked ask_once(struct mp_heap_objects_answer *answer, const char *path,
                           const char *pid, const struct mp_heap_wants *wants, int *code)
{
    struct mp_heap_asking asking;
    char name[32];
    enum mp_heap_asking_problem problem = mp_heap_ask_holders(&asking, path, wants);
    snprintf(name, sizeof name, "process %s", pid);
    if (problem)
        *code = mp_heap_asking_fail(problem, name, "ask");
    bool answered = !problem && wait_for_answer(&asking, pid, code);
    if (answered)
        *code = copy_answer(answer, &asking, pid);
    mp_heap_asking_release(&asking);
    return !answered ? UNANSWERED : *code || is_to(answer, wants) ? ANSWERED : OTHERS;
}

/* Whether it was answered. */
static bool ask_recording(struct mp_heap_objects_answer *answer, const char *path,
                          const char *pid, const struct mp_heap_wants *wants, int *code)
{
    for (int tries = 0; tries < TRIES; tries++) {
        enum asked asked = ask_once(answer, path, pid, wants, code);
        if (asked != OTHERS)
            return asked == ANSWERED;
        mp_heap_objects_release(answer);
    }
    *code = mp_fail("process %s is asked other things all the time", pid);
    return false;
}

static int fail_answer(const struct mp_target *target, const char *const lines[])
{
    int pid = (int)target->pid;
    if (!strcmp(lines[0], "lines"))
        return mp_fail("process %d is not recorded, so nobody knows what a line allocated: "
                       "ask for a --type, or record it with 'mprof heap %d'",
                       pid, pid);
    if (!strcmp(lines[0], "failed"))
        return mp_fail("process %d could not look: %s: %s", pid, lines[1], lines[2]);
    return mp_attach_fail_answer(target, lines, "its /tmp");
}

static void note_unknown(int64_t pid, enum mp_heap_wants_of what)
{
    if (what == MP_HEAP_WANTS_ALL || what == MP_HEAP_WANTS_WASTE)
        mp_note("process %" PRId64 " is not recorded: %s is not known", pid,
                what == MP_HEAP_WANTS_ALL ? "what holds the objects of lines"
                                          : "at which lines they were allocated");
}

static int attach_and_ask(struct mp_attach *attach, const struct mp_heap_wants *wants)
{
    char inside[sizeof attach->room.there + sizeof MP_ATTACH_CAPTURE + 1];
    struct mp_attach_answer said;
    int code = mp_attach_bring(attach);
    if (code)
        return code;
    snprintf(inside, sizeof inside, "%s/" MP_ATTACH_CAPTURE, attach->room.there);
    struct mp_attach_asked asked = {
        .folder = attach->folder, .path = inside, .objects = wants};
    code = mp_attach_ask(&attach->room, &attach->target, &asked, &attach->ends, &said);
    if (!code && strcmp(said.lines[0], "looked") != 0)
        code = fail_answer(&attach->target, said.lines);
    else if (!code && *said.lines[1] == '0')
        note_unknown(attach->target.pid, wants->what);
    free(said.text);
    return code;
}

/* What has no name any more can be read until it is closed. */
static int attach(struct mp_heap_objects_answer *answer, const char *pid,
                  const struct mp_heap_wants *wants)
{
    struct mp_attach attach;
    int code = mp_attach_open(&attach, pid, false);
    if (!code)
        code = attach_and_ask(&attach, wants);
    if (!code) {
        answer->fd = openat(attach.room.folder, MP_ATTACH_CAPTURE,
                            O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (answer->fd < 0 || asprintf(&answer->path, "/proc/self/fd/%d", answer->fd) < 0)
            code =
                mp_fail("cannot read what process %s answered: %s", pid, strerror(errno));
    }
    mp_attach_release(&attach);
    sigprocmask(SIG_UNBLOCK, &attach.ends, NULL);
    return code;
}

static int ask(struct mp_heap_objects_answer *answer, const char *pid,
               const struct mp_heap_wants *wants)
{
    int code = MP_EXIT_OK;
    char *path = mp_heap_of_process(mp_attach_pid(pid));
    bool ends = path && (ask_recording(answer, path, pid, wants, &code) || code);
    if (path && !ends)
        mp_note(
            "process %s has not answered for two seconds, its main thread runs no Python "
            "code: attaching to it",
            pid);
    free(path);
    return ends ? code : attach(answer, pid, wants);
}

int mp_heap_objects_ask(struct mp_heap_objects_answer *answer, const char *pid,
                        const struct mp_heap_wants *wants)
{
    int turn, code = mp_heap_objects_take_turn(&turn, pid);
    *answer = (struct mp_heap_objects_answer){.fd = -1};
    if (!code)
        code = ask(answer, pid, wants);
    if (turn >= 0)
        close(turn);
    return code;
}
