/* What a C library may do about SIGBUS, and how it meets one. Loaded with ctypes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char *page;
static int at_page, has_context, blocks, on_other_stack;
static stack_t other;

/* A mapping of ours whose file has gone. */
void cut_own(void)
{
    char name[] = "/tmp/bus-XXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    if (fd < 0 || ftruncate(fd, 4096))
        abort();
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED || ftruncate(fd, 0))
        abort();
    close(fd);
}

void touch(void)
{
    *(volatile char *)page = 1;
}

static void mend(int number, siginfo_t *info, void *context)
{
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    at_page = number == SIGBUS && info->si_code == BUS_ADRERR && info->si_addr == page;
    has_context = context != NULL;
    blocks = sigismember(&mask, SIGUSR1) | sigismember(&mask, SIGBUS) << 1;
    on_other_stack =
        (char *)&mask > (char *)other.ss_sp && (char *)&mask < (char *)other.ss_sp + other.ss_size;
    mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void mend_simply(int number)
{
    siginfo_t info = {.si_code = BUS_ADRERR};
    info.si_addr = page;
    mend(number, &info, NULL);
}

/* What it was: its handler, as a word, and its flags. */
static void say(const char *what, const struct sigaction *was)
{
    const char *handler = was->sa_handler == SIG_DFL   ? "default"
                          : was->sa_handler == SIG_IGN ? "ignored"
                          : was->sa_sigaction == mend || was->sa_handler == mend_simply
                              ? "its own"
                              : "another's";
    printf("%s %s %x %d\n", what, handler, (unsigned)was->sa_flags,
           sigismember(&was->sa_mask, SIGUSR1));
    fflush(stdout);
}

void ask(void)
{
    struct sigaction was;
    sigaction(SIGBUS, NULL, &was);
    say("asked", &was);
}

void set(int flags)
{
    struct sigaction was, action = {.sa_flags = flags};
    if (flags & SA_SIGINFO)
        action.sa_sigaction = mend;
    else
        action.sa_handler = mend_simply;
    sigaddset(&action.sa_mask, SIGUSR1);
    if (!other.ss_sp) {
        other = (stack_t){.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
        sigaltstack(&other, NULL);
    }
    sigaction(SIGBUS, &action, &was);
    say("set over", &was);
}

void set_simply(void)
{
    struct sigaction was = {.sa_handler = signal(SIGBUS, mend_simply)};
    say("set over", &was);
}

void meet(void)
{
    cut_own();
    touch();
    printf("met: there %d context %d blocked %d stack %d\n", at_page, has_context, blocks,
           on_other_stack);
    fflush(stdout);
}
