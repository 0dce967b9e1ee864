/* A library to preload: the call number FAIL_AT of the function FAIL_CALL that comes from the
 * object whose name holds FAIL_IN fails with FAIL_ERRNO, and the file FAIL_MARK is made. Every
 * call before and behind it works. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *call, *within, *mark;
static long at, seen;
static int error = ENOMEM;

/* Allocates nothing: malloc may be what is to fail. */
__attribute__((constructor)) static void begin(void)
{
    call = getenv("FAIL_CALL");
    within = getenv("FAIL_IN");
    mark = getenv("FAIL_MARK");
    at = atol(getenv("FAIL_AT") ? getenv("FAIL_AT") : "0");
    if (getenv("FAIL_ERRNO"))
        error = atoi(getenv("FAIL_ERRNO"));
}

static int is_from(const void *caller)
{
    Dl_info info;
    const char *slash;
    if (!dladdr(caller, &info) || !info.dli_fname)
        return 0;
    slash = strrchr(info.dli_fname, '/');
    return strstr(slash ? slash : info.dli_fname, within) != NULL;
}

static int fails(const char *name, const void *caller)
{
    static __thread int inside;
    int now = 0;
    if (!call || !within || !mark || inside || strcmp(name, call) != 0)
        return 0;
    inside = 1;
    if (is_from(caller) && __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST) == at) {
        int fd = (int)syscall(SYS_openat, AT_FDCWD, mark, O_CREAT | O_WRONLY, 0600);
        if (fd >= 0)
            syscall(SYS_close, fd);
        errno = error;
        now = 1;
    }
    inside = 0;
    return now;
}

#define CALLER __builtin_return_address(0)

/* Each has its real one behind it. */
#define WRAP(type, name, failed, parameters, ...)                                          \
    type name parameters                                                                   \
    {                                                                                      \
        static type(*real) parameters;                                                     \
        if (!real)                                                                         \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                     \
        return fails(#name, CALLER) ? failed : real(__VA_ARGS__);                          \
    }

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t),
    *__libc_realloc(void *, size_t);

void *malloc(size_t size)
{
    return fails("malloc", CALLER) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails("calloc", CALLER) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return fails("realloc", CALLER) ? NULL : __libc_realloc(block, size);
}

WRAP(char *, strdup, NULL, (const char *text), text)
WRAP(char *, strndup, NULL, (const char *text, size_t length), text, length)
WRAP(int, vasprintf, -1, (char **to, const char *format, va_list words), to, format, words)
WRAP(FILE *, open_memstream, NULL, (char **to, size_t *size), to, size)
WRAP(FILE *, fopen, NULL, (const char *path, const char *how), path, how)
WRAP(FILE *, fdopen, NULL, (int fd, const char *how), fd, how)
WRAP(DIR *, opendir, NULL, (const char *path), path)
WRAP(char *, getcwd, NULL, (char *to, size_t size), to, size)
WRAP(char *, realpath, NULL, (const char *path, char *to), path, to)
WRAP(ssize_t, read, -1, (int fd, void *to, size_t size), fd, to, size)
WRAP(ssize_t, pread, -1, (int fd, void *to, size_t size, off_t where), fd, to, size, where)
WRAP(ssize_t, write, -1, (int fd, const void *from, size_t size), fd, from, size)
WRAP(void *, mmap, MAP_FAILED,
     (void *where, size_t size, int how, int flags, int fd, off_t offset), where, size, how,
     flags, fd, offset)
WRAP(int, fstat, -1, (int fd, struct stat *to), fd, to)
WRAP(int, stat, -1, (const char *path, struct stat *to), path, to)
WRAP(int, ftruncate, -1, (int fd, off_t size), fd, size)
WRAP(int, fallocate, -1, (int fd, int how, off_t where, off_t size), fd, how, where, size)
WRAP(int, rename, -1, (const char *from, const char *to), from, to)
WRAP(int, unlink, -1, (const char *path), path)
WRAP(int, pipe2, -1, (int fds[2], int flags), fds, flags)
WRAP(pid_t, fork, -1, (void))

int asprintf(char **to, const char *format, ...)
{
    va_list words;
    int length;
    if (fails("asprintf", CALLER))
        return -1;
    va_start(words, format);
    length = (vasprintf)(to, format, words);
    va_end(words);
    return length;
}

int open(const char *path, int flags, ...)
{
    va_list words;
    mode_t mode;
    va_start(words, flags);
    mode = va_arg(words, mode_t);
    va_end(words);
    return fails("open", CALLER) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int fcntl(int fd, int what, ...)
{
    va_list words;
    long value;
    va_start(words, what);
    value = va_arg(words, long);
    va_end(words);
    return fails("fcntl", CALLER) ? -1 : (int)syscall(SYS_fcntl, fd, what, value);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *),
                   void *with)
{
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return fails("pthread_create", CALLER) ? EAGAIN : real(thread, how, run, with);
}
