/* `python mprof`, as 0.61 could be started, and debuggers do: this program is a Python program too.
 *
 * Python runs a zip file whose end it finds in the last 64 KiB of a file, whatever is before it. A
 * release build has less than that behind its initialized data, stripped or not. What it runs there
 * becomes this program, with the interpreter that was chosen.
 *
 * That is also how mprof starts modules of ours: of all ways to start Python this is the one that
 * looks for modules in no folder of the user's, by itself or for us (-m and, from 3.13 on, -c
 * import from the working directory), and says so nowhere: the program's sys.flags are as given.
 * With -S our package is looked for where `site` would have, and nothing else is.
 */
#include "cmd/shared/run_by_python.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/shared/interpreter.h"

#define MAIN                                                                                  \
    "import os, sys\n"                                                                        \
    "\n"                                                                                      \
    "if sys.argv[1:2] == [\"-m\"]:\n"                                                         \
    "    program = sys.path.pop(0)\n"                                                         \
    "    del sys.argv[:2]\n"                                                                  \
    "    known = len(sys.path)\n"                                                             \
    "    if sys.flags.no_site:\n"                                                             \
    "        import site\n"                                                                   \
    "        sys.path += site.getsitepackages([os.path.dirname(os.path.dirname(program))])\n" \
    "    try:\n"                                                                              \
    "        module = __import__(sys.argv[0], fromlist=[\"main\"])\n"                         \
    "    except ModuleNotFoundError as missing:\n"                                            \
    "        if missing.name != \"memory_profiler\":\n"                                       \
    "            raise\n"                                                                     \
    "        sys.exit(f\"{sys.executable}: {missing}\")\n"                                    \
    "    del sys.path[known:]\n"                                                              \
    "    code = module.main()\n"                                                              \
    "    if code:\n"                                                                          \
    "        sys.exit(code)\n"                                                                \
    "else:\n"                                                                                 \
    "    os.environ.setdefault(\"MPROF_PYTHON\", sys.executable)\n"                           \
    "    os.execv(sys.argv[0], sys.argv)\n"

#define NAME "__main__.py"
enum { CRC = 0x6200c6f0 }; /* of the text; a test compares */

/* As zip files have them: a file, the folder of all files, the end. */
struct __attribute__((packed)) file {
    uint16_t version, flags, method, time, date;
    uint32_t crc, packed, size;
    uint16_t name_length, extra_length;
};

static struct __attribute__((packed)) zip {
    uint32_t local;
    struct file first;
    char name[sizeof NAME - 1], text[sizeof MAIN - 1];
    uint32_t central;
    uint16_t made_by;
    struct file again;
    uint16_t comment_length, disk, internal;
    uint32_t external, at;
    char name_again[sizeof NAME - 1];
    uint32_t end;
    uint16_t this_disk, first_disk, here, all;
    uint32_t size, begin;
    uint16_t ending_length;
} zip __attribute__((used)) = {
    .local = 0x04034b50,
    .first = {20, 0, 0, 0, 0x21, (uint32_t)CRC, sizeof MAIN - 1, sizeof MAIN - 1,
              sizeof NAME - 1, 0},
    .name = NAME,
    .text = MAIN,
    .central = 0x02014b50,
    .made_by = 20,
    .again = {20, 0, 0, 0, 0x21, (uint32_t)CRC, sizeof MAIN - 1, sizeof MAIN - 1,
              sizeof NAME - 1, 0},
    .name_again = NAME,
    .end = 0x06054b50,
    .here = 1,
    .all = 1,
    .size = 46 + sizeof NAME - 1,
    .begin = 30 + sizeof NAME - 1 + sizeof MAIN - 1,
};

enum { FURTHEST = 65536 + 22 }; /* from the end of the file: what Python looks through */

/* Whether our end of a zip file is in what Python looks through: not so in debug builds. */
static bool is_found(int fd)
{
    size_t length = sizeof zip - offsetof(struct zip, end);
    struct stat status;
    char *tail = malloc(FURTHEST);
    bool found = false;
    if (tail && !fstat(fd, &status)) {
        off_t from = status.st_size > FURTHEST ? status.st_size - FURTHEST : 0;
        ssize_t got = pread(fd, tail, FURTHEST, from);
        const char *end = (const char *)&zip + offsetof(struct zip, end);
        found = got > 0 && memmem(tail, (size_t)got, end, length);
    }
    free(tail);
    return found;
}

char *mp_run_by_python(void)
{
    char *path = mp_own_path();
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    bool found = fd >= 0 && is_found(fd);
    if (fd >= 0)
        close(fd);
    if (found)
        return path;
    free(path);
    return NULL;
}

char **mp_put_start(char **at, char *program)
{
    static char minus_m[] = "-m";
    if (program)
        *at++ = program;
    *at++ = minus_m;
    return at;
}
