#include "cmd/top/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/shared/screen.h"
#include "cmd/top/model.h"
#include "record/timeline.h"

/* Another screen, no cursor, lines that are not wrapped; and back. */
static const char enter[] = "\033[?1049h\033[?25l\033[?7l";
static const char leave[] = "\033[?7h\033[?25h\033[?1049l";

static struct {
    int keys; /* descriptor; -1: there are none */
    bool owned, raw;
    struct termios before;
    sigset_t waiting;
    unsigned char pending[64]; /* of what was typed */
    size_t count;
} terminal = {.keys = -1};

static volatile sig_atomic_t resized, ended, stopped;

static void note(int number)
{
    if (number == SIGWINCH || number == SIGCONT)
        resized = 1;
    else if (number == SIGTSTP)
        stopped = 1;
    else
        ended = 1;
}

/* All of it, or false. */
static bool put(const char *text, size_t length)
{
    while (length) {
        ssize_t put = write(STDOUT_FILENO, text, length);
        if (put < 0 && errno == EINTR && !ended)
            continue;
        if (put < 0 && errno == EAGAIN) {
            struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
            poll(&out, 1, 100);
            continue;
        }
        if (put < 0)
            return false;
        text += put;
        length -= (size_t)put;
    }
    return true;
}

static void take_over(void)
{
    struct termios raw = terminal.before;
    if (terminal.keys >= 0) {
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
        raw.c_cc[VMIN] = 0;
        raw.c_cc[VTIME] = 0;
        terminal.raw = !tcsetattr(terminal.keys, TCSADRAIN, &raw);
    }
    put(enter, sizeof enter - 1);
}

static void give_back(void)
{
    put(leave, sizeof leave - 1);
    if (terminal.raw)
        tcsetattr(terminal.keys, TCSADRAIN, &terminal.before);
    terminal.raw = false;
}

static void install(void)
{
    static const int handled[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
                                  SIGTSTP, SIGCONT, SIGWINCH};
    sigset_t blocked;
    struct sigaction action = {.sa_handler = note};
    sigemptyset(&blocked);
    sigemptyset(&action.sa_mask);
    sigprocmask(SIG_SETMASK, NULL, &terminal.waiting);
    for (size_t i = 0; i < sizeof handled / sizeof *handled; i++) {
        sigaddset(&blocked, handled[i]);
        sigdelset(&terminal.waiting, handled[i]);
        sigaction(handled[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
}

bool mp_terminal_begin(void)
{
    if (!mp_screen_is_terminal())
        return false;
    bool is_one = isatty(STDIN_FILENO);
    terminal.keys = is_one ? STDIN_FILENO : open("/dev/tty", O_RDONLY | O_CLOEXEC);
    terminal.owned = !is_one && terminal.keys >= 0;
    if (terminal.keys >= 0 && tcgetattr(terminal.keys, &terminal.before)) {
        if (terminal.owned)
            close(terminal.keys);
        terminal.keys = -1;
        terminal.owned = false;
    }
    install();
    take_over();
    return true;
}

void mp_terminal_end(void)
{
    give_back();
    if (terminal.owned)
        close(terminal.keys);
    terminal.keys = -1;
    terminal.owned = false;
}

/* Each line is erased before it is written: behind its last column the cursor stands on that column. The
   frame is whole when the cursor is back home. */
bool mp_terminal_show(const char *text, size_t length, int height)
{
    static const char home[] = "\033[H", rest[] = "\033[K", below[] = "\r\n\033[J";
    char frame[1 << 16];
    size_t used = sizeof home - 1;
    int line = 0;
    memcpy(frame, home, used);
    for (; length && (!height || line < height); line++) {
        const char *end = memchr(text, '\n', length);
        size_t its = end ? (size_t)(end - text) : length;
        if (used + its + 32 > sizeof frame)
            break;
        if (line) {
            memcpy(frame + used, "\r\n", 2);
            used += 2;
        }
        memcpy(frame + used, rest, sizeof rest - 1);
        used += sizeof rest - 1;
        memcpy(frame + used, text, its);
        used += its;
        text += end ? its + 1 : its;
        length -= end ? its + 1 : its;
    }
    if (line < height) {
        memcpy(frame + used, below, sizeof below - 1);
        used += sizeof below - 1;
    }
    memcpy(frame + used, home, sizeof home - 1);
    return put(frame, used + sizeof home - 1);
}

static const struct {
    const char *bytes;
    int key;
} sequences[] = {
    {"\033[A", MP_TOP_UP},   {"\033[B", MP_TOP_DOWN},     {"\033OA", MP_TOP_UP},
    {"\033OB", MP_TOP_DOWN}, {"\033[5~", MP_TOP_PAGE_UP}, {"\033[6~", MP_TOP_PAGE_DOWN},
    {"\033[H", MP_TOP_HOME}, {"\033[F", MP_TOP_END},      {"\033OH", MP_TOP_HOME},
    {"\033OF", MP_TOP_END},  {"\033[1~", MP_TOP_HOME},    {"\033[4~", MP_TOP_END},
};

static void drop(size_t count)
{
    memmove(terminal.pending, terminal.pending + count, terminal.count - count);
    terminal.count -= count;
}

/* What was typed first: -1: nothing that means anything. */
static int take_key(void)
{
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        size_t length = strlen(sequences[i].bytes);
        if (terminal.count >= length &&
            !memcmp(terminal.pending, sequences[i].bytes, length)) {
            drop(length);
            return sequences[i].key;
        }
    }
    int key = terminal.pending[0];
    if (key == '\033' && terminal.count > 1 && strchr("[O", terminal.pending[1])) {
        size_t length = 2; /* one that we do not know, to its last byte */
        while (length < terminal.count && terminal.pending[length] < '@')
            length++;
        drop(length < terminal.count ? length + 1 : length);
        return -1;
    }
    drop(1);
    return key == '\033' ? MP_TOP_ESCAPE : key == '\r' || key == '\n' ? MP_TOP_ENTER : key;
}

static void stop_ourselves(void)
{
    sigset_t stop;
    give_back();
    signal(SIGTSTP, SIG_DFL);
    raise(SIGTSTP);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &stop, NULL); /* we go on when we are continued */
    sigprocmask(SIG_BLOCK, &stop, NULL);
    sigaction(SIGTSTP, &(struct sigaction){.sa_handler = note}, NULL);
    stopped = 0;
    take_over();
}

/* Whether there is more; false: the terminal is gone. */
static bool read_keys(void)
{
    ssize_t got = read(terminal.keys, terminal.pending + terminal.count,
                       sizeof terminal.pending - terminal.count);
    if (got > 0)
        terminal.count += (size_t)got;
    return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

enum mp_terminal_event mp_terminal_wait(int64_t deadline, int *key)
{
    while (!ended) {
        if (terminal.count) {
            if ((*key = take_key()) >= 0)
                return MP_TERMINAL_KEY;
            continue;
        }
        int64_t left = deadline - mp_clock_ns();
        if (left <= 0)
            return MP_TERMINAL_TIME;
        struct timespec timeout = {left / MP_SECOND, left % MP_SECOND};
        struct pollfd keys = {.fd = terminal.keys, .events = POLLIN};
        int ready = ppoll(&keys, terminal.keys >= 0, &timeout, &terminal.waiting);
        if (stopped)
            stop_ourselves();
        if (resized) {
            resized = 0;
            return MP_TERMINAL_DRAW;
        }
        if (ready > 0 && !read_keys())
            return MP_TERMINAL_ENDED;
    }
    return MP_TERMINAL_ENDED;
}
