#include "cmd/heap/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/heap/attach_ask.h"
#include "cmd/heap/attach_children.h"
#include "cmd/heap/attach_home.h"
#include "cmd/heap/attach_open.h"
#include "cmd/heap/attach_refusal.h"
#include "cmd/heap/naming.h"
#include "cmd/shared/command.h"
#include "store/heap/request.h"
#include "store/heap/run.h"
#include "store/heap/spare.h"

enum {
    TICK = 100000000, /* ns: how soon an end is noticed */
    LOOK_EVERY = 10   /* ticks at its mappings, which takes longer */
};

int64_t mp_attach_duration(const char *text)
{
    char *end;
    double value = strtod(text, &end);
    double unit = *end == 'm' ? 60 : *end == 'h' ? 3600 : 1;
    if (*end == 's' || *end == 'm' || *end == 'h')
        end++;
    if (end == text || *end || *text == '-' || *text == '+' || value * unit > 1e8)
        return -1;
    int64_t ns = (int64_t)(value * unit * 1e9);
    return ns > 0 ? ns : -1;
}

static int refuse_recorded(const struct mp_attach *attach)
{
    int pid = (int)attach->target.pid;
    char *path = mp_heap_of_process(pid);
    if (!path)
        return 0;
    mp_fail(
        "process %d is recorded already, into %s: %s; 'mprof report' reads it while it runs, "
        "'mprof detach %d' ends what 'mprof heap %d' began",
        pid, path, strerror(EBUSY), pid, pid);
    free(path);
    return MP_EXIT_FAILURE;
}

/* The whole name of a file that is yet to be; NULL with errno: none can be made there. */
static char *whole_name(const char *path)
{
    char *copy = strdup(path), *slash = copy ? strrchr(copy, '/') : NULL, *whole = NULL;
    const char *base = slash ? slash + 1 : path;
    if (slash)
        *slash = 0;
    char *folder = copy ? realpath(!slash ? "." : slash == copy ? "/" : copy, NULL) : NULL;
    if (folder && !access(folder, W_OK) &&
        asprintf(&whole, "%s/%s", strcmp(folder, "/") ? folder : "", base) < 0)
        whole = NULL;
    int kept = errno;
    free(folder);
    free(copy);
    errno = kept;
    return whole;
}

/* Where it goes; nothing is changed yet. */
static int choose_path(struct mp_attach *attach, const struct mp_attach_settings *settings)
{
    char name[64];
    int code = settings->output ? 0 : mp_heap_default_name(name, sizeof name, ".mprof");
    if (code)
        return code;
    const char *path = settings->output ? settings->output : name;
    attach->path = whole_name(path);
    return attach->path ? 0 : mp_fail("cannot record into %s: %s", path, strerror(errno));
}

/* All that can be known before it is touched. */
static int prepare(struct mp_attach *attach, const struct mp_attach_settings *settings)
{
    int code = refuse_recorded(attach);
    if (!code)
        code = choose_path(attach, settings);
    if (!code)
        code = mp_attach_bring(attach);
    attach->apart = attach->room.other_root || attach->room.other_user;
    return code ? code : mp_heap_make_room(attach->path, settings->force);
}

static void say_begun(const struct mp_attach *attach,
                      const struct mp_attach_settings *settings,
                      const struct mp_attach_answer *answer)
{
    const struct mp_python *python = &attach->target.python;
    char sampled[64] = "every block";
    if (settings->sample)
        snprintf(sampled, sizeof sampled, "one block in %" PRIu64 " KiB",
                 settings->sample >> 10);
    if (settings->sample & 1023)
        snprintf(sampled, sizeof sampled, "one block in %" PRIu64 " bytes",
                 settings->sample);
    mp_note(
        "attached to process %d (%s, CPython %d.%d) in %.0f ms: its heap goes into %s, %s; "
        "Ctrl-C detaches",
        (int)attach->target.pid, attach->target.name, mp_python_major(python),
        mp_python_minor(python), (double)answer->took / 1e6, attach->path, sampled);
    if (attach->apart)
        mp_note("until then it is in %s of process %d, which can write to no file of ours",
                attach->room.there, (int)attach->target.pid);
    if (!settings->no_native && *answer->lines[2] == '0')
        mp_note("malloc and mmap cannot be followed there: Python's allocators alone are");
    if (attach->in_memory)
        mp_note("files cannot be grown there: it is written at the end");
    char others[160];
    if (mp_attach_children_unrecorded(attach->target.pid, others, sizeof others))
        mp_note("%s", others);
}

static int begin(struct mp_attach *attach, const struct mp_attach_settings *settings)
{
    char inside[sizeof attach->room.there + sizeof MP_ATTACH_CAPTURE + 1];
    struct mp_attach_answer answer;
    snprintf(inside, sizeof inside, "%s/" MP_ATTACH_CAPTURE, attach->room.there);
    struct mp_attach_asked asked = {.folder = attach->folder,
                                    .begin = true,
                                    .path = attach->apart ? inside : attach->path,
                                    .sample = settings->sample,
                                    .max_file = settings->max_file,
                                    .no_native = settings->no_native,
                                    .no_source = settings->no_source,
                                    .children = settings->children};
    int code =
        mp_attach_ask(&attach->room, &attach->target, &asked, &attach->ends, &answer);
    if (!code && !strcmp(answer.lines[0], "busy"))
        code = refuse_recorded(attach); /* another mprof was faster */
    if (!code && strcmp(answer.lines[0], "begun") != 0)
        code = mp_attach_fail_answer(&attach->target, answer.lines, attach->path);
    attach->in_memory = !code && *answer.lines[3] == '1';
    if (!code)
        say_begun(attach, settings, &answer);
    free(answer.text);
    return code;
}

enum ending { TOLD, TIME_IS_UP, PROCESS_ENDED, RECORDING_ENDED };

/* Another program, which the process has become, has none. */
static bool is_another_program(const struct mp_attach *attach)
{
    char *path = mp_heap_of_process(attach->target.pid);
    bool none = !path && errno == ENOENT;
    free(path);
    return none;
}

/* Where the capture lies until it comes home. */
static const char *capture_now(const struct mp_attach *attach, char *room, size_t size)
{
    snprintf(room, size, "/proc/self/fd/%d/" MP_ATTACH_CAPTURE, attach->room.folder);
    return attach->apart ? room : attach->path;
}

/* By 'mprof detach', or the program itself. `looks`: how often this was asked. */
static bool is_over(const struct mp_attach *attach, unsigned looks)
{
    if (attach->in_memory)
        return false;
    if (looks % LOOK_EVERY == LOOK_EVERY - 1 && is_another_program(attach))
        return true;
    char path[64];
    struct mp_heap_owner owner;
    return mp_heap_run_owner(capture_now(attach, path, sizeof path), &owner) ||
           owner.closed;
}

static bool has_ended(const struct mp_attach *attach)
{
    char text[16];
    return !mp_target_line(attach->target.proc, "status", "State:", text, sizeof text) ||
           *text == 'Z' || *text == 'X';
}

static enum ending wait_for_end(const struct mp_attach *attach, int64_t duration)
{
    int64_t until = mp_clock_ns() + duration;
    struct pollfd process = {.fd = (int)syscall(SYS_pidfd_open, attach->target.pid, 0),
                             .events = POLLIN};
    enum ending ending = PROCESS_ENDED;
    unsigned looks = 0;
    while (!has_ended(attach) && poll(&process, process.fd >= 0, 0) <= 0) {
        struct timespec rest = {.tv_nsec = TICK};
        if (sigtimedwait(&attach->ends, NULL, &rest) > 0) {
            ending = TOLD;
            break;
        }
        if (duration && mp_clock_ns() >= until) {
            ending = TIME_IS_UP;
            break;
        }
        if (is_over(attach, looks++)) {
            ending = RECORDING_ENDED;
            break;
        }
    }
    if (process.fd >= 0)
        close(process.fd);
    return ending;
}

/* What the folder was for is done, unless the capture is in it. */
static void leave_room(struct mp_attach *attach)
{
    if (!attach->apart)
        mp_attach_room_close(&attach->room);
}

static bool is_in_room(const char *capture)
{
    const char *name = strrchr(capture, '/');
    return name && !strcmp(name + 1, MP_ATTACH_CAPTURE) && strstr(capture, "/mprof-");
}

/* Where the capture is that another mprof began, and that is ended now: its own, or at home when nobody
   else is to bring it there; NULL: its mprof lives, and does. 0, or the exit code of what it said. */
static int find_capture(struct mp_attach *attach, const char *its, char **path)
{
    char name[64];
    struct mp_attach_room room;
    *path = NULL;
    if ((!attach->room.other_root && !attach->room.other_user) || !is_in_room(its))
        return (*path = strdup(its)) ? 0 : mp_fail("out of memory");
    if (!mp_attach_room_adopt(&room, &attach->target, its))
        return 0;
    int code = mp_heap_default_name(name, sizeof name, ".mprof");
    attach->path = code ? NULL : whole_name(name);
    if (!attach->path) {
        mp_attach_room_leave(&room);
        return MP_EXIT_FAILURE;
    }
    if (mp_attach_bring_home(&room, attach->path))
        return MP_EXIT_FAILURE;
    return (*path = strdup(attach->path)) ? 0 : mp_fail("out of memory");
}

static int ask_to_end(struct mp_attach *attach, struct mp_attach_answer *answer)
{
    struct mp_attach_asked asked = {.folder = attach->folder};
    if (attach->room.folder < 0 && mp_attach_room_open(&attach->room, &attach->target))
        return MP_EXIT_FAILURE;
    enum mp_target_problem problem = mp_target_look_again(&attach->target);
    if (problem)
        return mp_attach_refuse(&attach->target, problem);
    int code = mp_attach_ask(&attach->room, &attach->target, &asked, &attach->ends, answer);
    if (!code && strcmp(answer->lines[0], "ended") != 0)
        code = mp_attach_fail_answer(&attach->target, answer->lines, "its file");
    return code;
}

static void say_ended(const struct mp_attach *attach, const char *figures, const char *path,
                      size_t children)
{
    int pid = (int)attach->target.pid;
    if (path)
        mp_note("detached from process %d: %s; to see it: mprof report %s", pid, figures,
                path);
    else
        mp_note("detached from process %d: %s; the mprof that attached to it brings the "
                "capture home",
                pid, figures);
    mp_attach_children_say(children);
}

/* `its`: the capture, where it lies now. Who waits for the first's end takes it home: so its children end
   before, and those that it had meanwhile behind it. */
static int end(struct mp_attach *attach, const char *its)
{
    struct mp_attach_answer answer = {0};
    char *path = NULL;
    struct mp_attach_children children = {0};
    int failed = mp_attach_children_end(its, &attach->ends, &children);
    int code = ask_to_end(attach, &answer);
    attach->goes_on = code && !has_ended(attach);
    if (!code) {
        failed |= mp_attach_children_end(its, &attach->ends, &children);
        if (attach->path || *answer.lines[1] != '/') /* a child's comes with the first's */
            path = strdup(attach->path ? attach->path : its);
        else
            code = find_capture(attach, answer.lines[1], &path);
    }
    if (!code)
        say_ended(attach, answer.lines[2], path, children.ended);
    mp_attach_children_release(&children);
    free(path);
    free(answer.text);
    return code ? code : failed;
}

/* A capture that cannot come home stays where it is, and so does one that the process goes on with. */
static int take_home(struct mp_attach *attach, int code)
{
    if (!attach->apart)
        return code;
    if (attach->goes_on)
        mp_attach_room_leave(&attach->room);
    else
        code |= mp_attach_bring_home(&attach->room, attach->path);
    return code;
}

/* By itself, or by us. */
static int finish(struct mp_attach *attach, enum ending ending)
{
    char room[64];
    const char *its = capture_now(attach, room, sizeof room);
    int pid = (int)attach->target.pid;
    if (ending == TOLD || ending == TIME_IS_UP)
        return end(attach, its);
    struct mp_attach_children children = {0};
    if (ending == RECORDING_ENDED && attach->apart)
        mp_attach_children_wait(its);
    int code = ending == PROCESS_ENDED || attach->apart
                   ? mp_attach_children_end(its, &attach->ends, &children)
                   : 0;
    mp_note(ending == PROCESS_ENDED
                ? "process %d has ended; to see it: mprof report %s"
                : "the recording of process %d has ended; to see it: mprof report %s",
            pid, attach->path);
    mp_attach_children_say(children.ended);
    mp_attach_children_release(&children);
    return code;
}

int mp_attach_run(const struct mp_attach_settings *settings, const char *pid)
{
    struct mp_attach attach;
    int code = mp_attach_open(&attach, pid, true);
    if (!code)
        code = prepare(&attach, settings);
    if (!code)
        code = begin(&attach, settings);
    if (!code) {
        leave_room(&attach);
        code = finish(&attach, wait_for_end(&attach, settings->duration));
        if (!attach.apart)
            mp_heap_give_back_of(attach.path);
        code = take_home(&attach, code);
    }
    mp_attach_release(&attach);
    return code;
}

int mp_detach_run(const char *pid)
{
    struct mp_attach attach;
    int code = mp_attach_open(&attach, pid, false);
    char *recorded = code ? NULL : mp_heap_of_process(attach.target.pid);
    if (!code && !recorded)
        code = mp_fail("process %s is not recorded: nothing is to be ended", pid);
    if (!code)
        code = mp_attach_bring(&attach);
    if (!code)
        code = end(&attach, recorded);
    free(recorded);
    mp_attach_release(&attach);
    return code;
}
