#include "capture/heap/balance/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MOST_OF_A_LINE = 160 }; /* enough for all but the end of a path */

static bool take_hex(const char **at, uint64_t *value)
{
    const char *start = *at;
    for (*value = 0;; ++*at) {
        char c = **at;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                           : -1;
        if (digit < 0)
            return *at > start;
        *value = *value << 4 | (uint64_t)digit;
    }
}

static const char *skip_fields(const char *at, int count)
{
    while (count--) {
        while (*at == ' ')
            at++;
        while (*at && *at != ' ')
            at++;
    }
    while (*at == ' ')
        at++;
    return at;
}

/* start-end flags offset device inode name */
static bool parse(const char *line, struct mp_mapping *mapping)
{
    uint64_t start, end;
    const char *at = line;
    if (!take_hex(&at, &start) || *at++ != '-' || !take_hex(&at, &end) || *at++ != ' ')
        return false;
    *mapping = (struct mp_mapping){.start = start, .end = end};
    strncpy(mapping->flags, at, 4);
    at = skip_fields(at, 3);
    for (; *at >= '0' && *at <= '9'; at++)
        mapping->inode = mapping->inode * 10 + (uint64_t)(*at - '0');
    strncpy(mapping->name, skip_fields(at, 0), sizeof mapping->name - 1);
    return true;
}

struct line {
    char text[MOST_OF_A_LINE];
    size_t length;
};

/* Returns whether a line is complete; what is too long of it is left out. */
static bool take(struct line *line, char next)
{
    if (next != '\n') {
        if (line->length < sizeof line->text - 1)
            line->text[line->length++] = next;
        return false;
    }
    line->text[line->length] = 0;
    line->length = 0;
    return true;
}

int mp_mappings_each(bool (*see)(void *context, const struct mp_mapping *), void *context)
{
    char buffer[2048];
    struct line line = {.length = 0};
    struct mp_mapping mapping;
    bool more = true;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    ssize_t got = 0;
    if (fd < 0)
        return -1;
    while (more && (got = read(fd, buffer, sizeof buffer)) > 0)
        for (ssize_t i = 0; more && i < got; i++)
            if (take(&line, buffer[i]) && parse(line.text, &mapping))
                more = see(context, &mapping);
    int kept = errno;
    close(fd);
    errno = kept;
    return got < 0 ? -1 : 0;
}

bool mp_mappings_copy(void *to, uintptr_t from, size_t bytes)
{
    struct iovec into = {to, bytes}, of = {(void *)from, bytes};
    return process_vm_readv(getpid(), &into, 1, &of, 1, 0) == (ssize_t)bytes;
}
