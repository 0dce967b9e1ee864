#include "capture/heap/balance/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/hex.h"

enum { MOST_READ = 2048 }; /* a line needs a tenth, but for the end of a long path */

static bool take_hex(const char **at, uint64_t *value)
{
    const char *start = *at;
    for (*value = 0;; ++*at) {
        int digit = mp_hex_digit(**at);
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

/* What of the lines was read and not looked at; the end of one that fills it is left out. */
struct lines {
    char text[MOST_READ + 1];
    size_t length;
    bool leaves_out;
};

/* Returns whether there are to be more. */
static bool see_line(struct lines *lines, const char *line,
                     bool (*see)(void *context, const struct mp_mapping *), void *context)
{
    struct mp_mapping mapping;
    bool left_out = lines->leaves_out;
    lines->leaves_out = false;
    return left_out || !parse(line, &mapping) || see(context, &mapping);
}

static bool see_lines(struct lines *lines,
                      bool (*see)(void *context, const struct mp_mapping *), void *context)
{
    char *at = lines->text, *end;
    bool more = true;
    while (more && (end = memchr(at, '\n', (size_t)(lines->text + lines->length - at)))) {
        *end = 0;
        more = see_line(lines, at, see, context);
        at = end + 1;
    }
    lines->length -= (size_t)(at - lines->text);
    memmove(lines->text, at, lines->length);
    if (more && lines->length == MOST_READ) {
        lines->text[MOST_READ] = 0;
        more = see_line(lines, lines->text, see, context);
        lines->leaves_out = true;
        lines->length = 0;
    }
    return more;
}

int mp_mappings_each(bool (*see)(void *context, const struct mp_mapping *), void *context)
{
    struct lines lines;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    ssize_t got = 0;
    if (fd < 0)
        return -1;
    lines.length = lines.leaves_out = 0;
    do {
        got = read(fd, lines.text + lines.length, MOST_READ - lines.length);
        lines.length += got > 0 ? (size_t)got : 0;
    } while (got > 0 && see_lines(&lines, see, context));
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
