#include "cmd/heap/attach_ask.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/hex.h"
#include "capture/attach/inject.h"
#include "capture/attach/threads.h"
#include "cmd/heap/attach_refusal.h"
#include "cmd/shared/command.h"
#include "record/attach_request.h"
#include "record/place.h"

static const char request_name[] = MP_ATTACH_REQUEST,
                  remote_name[] = MP_ATTACH_REQUEST MP_INJECTION_REMOTE_NAME,
                  answer_name[] = "answer";

enum { TRIES = 3 };
static const int64_t first_pause = 500000, longest_pause = 20000000, again = 250000000,
                     told_after = 2000000000, most = 60000000000, to_answer = 10000000000;

/* What the process runs: it finds `page` among its names. Once memory_profiler is loaded there is little to
   compile, or nothing where it is asked by its own function: the rest is a text until it is needed. */
static const char program[] =
    "known = __import__('sys').modules.get('memory_profiler._attach.run')\n"
    "known = getattr(known, 'main', None)\n"
    "known(asked, globals().get('page', 0)) if known else exec(compile('''\n"
    "def run():\n"
    "    its = {'__name__': 'memory_profiler._attach.run', '__builtins__': __builtins__}\n"
    "    texts = dict(line.split(' ') for line in asked.split('\\\\n') if ' ' in line)\n"
    "    folder, answer = (bytes.fromhex(texts[key]).decode('utf-8', 'surrogateescape')\n"
    "                      for key in ('folder', 'answer'))\n"
    "    name = folder + '/memory_profiler/_attach/run.py'\n"
    "    try:\n"
    "        with open(name, 'rb') as file:\n"
    "            exec(compile(file.read(), name, 'exec'), its)\n"
    "    except Exception as problem:\n"
    "        with open(answer + '.new', 'w') as file:\n"
    "            print('failed', type(problem).__name__, problem, sep='\\\\n', file=file)\n"
    "        __import__('posix').rename(answer + '.new', answer)\n"
    "    else:\n"
    "        its['main'](asked, globals().get('page', 0))\n"
    "run()\n"
    "''', '" MP_PLACE_REQUEST "', 'exec'))\n";

/* Any bytes, in hexadecimal digits. */
static void put_name(FILE *out, const char *key, const char *folder, const char *name)
{
    fprintf(out, "%s ", key);
    mp_hex_put(out, folder);
    mp_hex_put(out, name);
    fputc('\n', out);
}

static void put_asked(FILE *out, const struct mp_attach_room *room,
                      const struct mp_attach_asked *asked)
{
    put_name(out, "request", room->there, "/" MP_ATTACH_REQUEST);
    put_name(out, "answer", room->there, "/answer");
    put_name(out, "folder", asked->folder, "");
    put_name(out, "path", asked->path ? asked->path : "", "");
    put_name(out, "version", MP_VERSION, "");
    if (asked->objects) {
        put_name(out, "name", asked->objects->name ? asked->objects->name : "", "");
        fprintf(out, "wanted %d\n", (int)asked->objects->what);
    }
    if (asked->no_native)
        fputs("native 0\n", out);
    fprintf(out,
            "begin %d\nsample %" PRIu64 "\nmax_file %" PRIu64 "\nsources %d\nchildren %d\n",
            asked->begin, asked->sample, asked->max_file, !asked->no_source,
            asked->children);
}

static char *write_request(const struct mp_attach_room *room,
                           const struct mp_attach_asked *asked, size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    if (!out)
        return NULL;
    fputs(MP_ASKED_BEGIN "\n", out);
    put_asked(out, room, asked);
    fprintf(out, MP_ASKED_END "\n%s", program);
    if (fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}

static bool is_claimed(const struct mp_attach_room *room)
{
    struct stat status;
    return fstatat(room->folder, request_name, &status, AT_SYMLINK_NOFOLLOW) != 0;
}

static bool read_answer(const struct mp_attach_room *room, struct mp_attach_answer *answer)
{
    char *at;
    answer->text = mp_attach_room_read(room, answer_name);
    if (!answer->text)
        return false;
    for (int i = 0; i < MP_ATTACH_LINES; i++)
        answer->lines[i] = "";
    char *line = strtok_r(answer->text, "\n", &at);
    for (int i = 0; line && i < MP_ATTACH_LINES; i++, line = strtok_r(NULL, "\n", &at))
        answer->lines[i] = line;
    return true;
}

static bool is_gone(const struct mp_target *target)
{
    char state[16];
    return !mp_target_line(target->proc, "status", "State:", state, sizeof state) ||
           *state == 'Z' || *state == 'X';
}

/* The main thread has yet to look: another one may be where it can do it at once. */
static void try_again(struct mp_target *target, const char *file)
{
    struct mp_threads threads = {0};
    struct mp_injection injection;
    bool can = !mp_target_look_again(target) && !mp_threads_list(&threads, target) &&
               threads.can_be_direct;
    mp_threads_release(&threads);
    if (can)
        mp_inject(target, file, &injection);
}

/* Nobody is to run it from here on: whether nobody did. */
static bool withdraw(struct mp_attach_room *room)
{
    return mp_attach_room_take_back(room, request_name);
}

static int wait_for_answer(struct mp_attach_room *room, struct mp_target *target,
                           const char *file, const sigset_t *ends,
                           struct mp_attach_answer *answer)
{
    int pid = (int)target->pid;
    int64_t start = mp_clock_ns(), pause = first_pause, tried = start, until = start + most;
    bool told = false, given_up = false;
    while (!read_answer(room, answer)) {
        int64_t now = mp_clock_ns();
        struct timespec rest = {.tv_nsec = pause};
        pause = pause * 2 > longest_pause ? longest_pause : pause * 2;
        if (is_gone(target))
            return mp_fail("process %d ended meanwhile", pid);
        bool interrupted = sigtimedwait(ends, NULL, &rest) > 0;
        if ((interrupted || now > until) && given_up)
            return mp_fail("process %d does not answer", pid);
        if (interrupted || now > until) {
            if (withdraw(room))
                return mp_fail(
                    "process %d did not come to run Python code%s: nothing was done", pid,
                    interrupted ? "" : " within a minute");
            given_up = true;
            until = now + to_answer;
        }
        if (!told && now - start > told_after && !is_claimed(room)) {
            told = true;
            mp_note("waiting for process %d: its threads are in C code; Ctrl-C gives up",
                    pid);
        }
        if (now - tried > again && !is_claimed(room)) {
            tried = now;
            try_again(target, file);
        }
    }
    answer->took = mp_clock_ns() - start;
    return 0;
}

static int ask_once(struct mp_attach_room *room, struct mp_target *target,
                    const struct mp_attach_asked *asked, const sigset_t *ends,
                    struct mp_attach_answer *answer)
{
    char file[sizeof room->there + sizeof request_name], asked_pid[16];
    size_t length;
    struct mp_injection injection;
    *answer = (struct mp_attach_answer){0};
    char *request = write_request(room, asked, &length);
    int failed = request ? mp_attach_room_put(room, request_name, request, length) : -1;
    if (!failed)
        failed = mp_attach_room_put(room, remote_name, request, length);
    if (!failed)
        failed = mp_attach_room_put(
            room, MP_ATTACH_ASKED, asked_pid,
            (size_t)snprintf(asked_pid, sizeof asked_pid, "%d", (int)target->pid));
    free(request);
    if (failed)
        return mp_fail("cannot write into %s of process %d: %s", room->there,
                       (int)target->pid, strerror(errno));
    snprintf(file, sizeof file, "%s/%s", room->there, request_name);
    enum mp_target_problem changed = mp_target_look_again(target);
    if (changed)
        return mp_attach_refuse(target, changed);
    if (target->python.own_run)
        target->python.run = target->python.own_run;
    enum mp_injection_problem problem = MP_INJECTION_NO_THREAD;
    for (int i = 0; i < TRIES && problem == MP_INJECTION_NO_THREAD; i++)
        problem = mp_inject(target, file, &injection);
    if (problem)
        return mp_attach_fail_injection(target, problem);
    int code = wait_for_answer(room, target, file, ends, answer);
    mp_inject_no_more(target, file);
    mp_attach_room_take_back(room, remote_name);
    mp_attach_room_take_back(room, answer_name);
    mp_attach_room_take_back(room, MP_ATTACH_ASKED);
    return code;
}

/* In the middle of an import modules are not whole that ours need: it is soon over. */
int mp_attach_ask(struct mp_attach_room *room, struct mp_target *target,
                  const struct mp_attach_asked *asked, const sigset_t *ends,
                  struct mp_attach_answer *answer)
{
    int64_t until = mp_clock_ns() + told_after;
    for (;;) {
        int code = ask_once(room, target, asked, ends, answer);
        struct timespec rest = {.tv_nsec = again};
        if (code || strcmp(answer->lines[0], "importing") || mp_clock_ns() > until ||
            sigtimedwait(ends, NULL, &rest) > 0)
            return code;
        free(answer->text);
    }
}
