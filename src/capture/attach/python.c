#include "capture/attach/python.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/attach/machine.h"
#include "capture/attach/symbols.h"
#include "record/attach_request.h"

enum {
    MOST_THREADS = 1 << 14,
    MOST_TEXT = 1 << 23, /* bytes of a C library's code that are looked through */
    TABLE = 128,         /* words of the table that are of use, at most */
    ASKED_BIT = 1 << 5,  /* of those that a thread looks at: a file is to be run */
    BOUND_BIT = 1 << 3   /* of its status: it is what PyGILState_Ensure() takes */
};

/* Of 64 bit systems. */
static const struct mp_python_layout layout_311 = {.main = 48,
                                                   .finalizing = 24,
                                                   .threads = 16,
                                                   .holder = 368,
                                                   .locked = 376,
                                                   .lock_is_global = true,
                                                   .next = 8,
                                                   .interpreter = 16,
                                                   .native_id = 160};
static const struct mp_python_layout layout_312 = {.main = 48,
                                                   .finalizing = 24,
                                                   .threads = 72,
                                                   .gil = 384,
                                                   .holder = 8,
                                                   .locked = 16,
                                                   .next = 8,
                                                   .interpreter = 16,
                                                   .native_id = 144,
                                                   .status = 24};

/* Which words of the table say what: it grows in the middle. */
struct table_row {
    int minor, locked, holder, next, interpreter, native_id;
    int remote; /* the first of six; 0: there is no such way */
};
static const struct table_row table_rows[] = {
    {13, 17, 18, 21, 22, 25, 0},
    {14, 18, 19, 24, 25, 28, 89},
    {15, 18, 19, 24, 25, 31, 105},
};
enum {
    WORD_MAIN = 10,
    WORD_FREE_THREADED = 2,
    WORD_FINALIZING = 4,
    WORD_INTERPRETERS = 5,
    WORD_THREADS = 9,
    STATUS_BEHIND_ID = 2
};

static bool read_word(const struct mp_python *python, uint64_t at, uint64_t *value)
{
    return mp_memory_read(python->mem, at, value, sizeof *value);
}

static struct mp_python_remote remote_of(const uint64_t *table, int first)
{
    if (!first)
        return (struct mp_python_remote){0};
    const uint64_t *words = table + first;
    return (struct mp_python_remote){.breaker = words[0],
                                     .enabled = words[2],
                                     .asked = words[1] + words[3],
                                     .script = words[1] + words[4],
                                     .script_size = words[5],
                                     .main = table[WORD_MAIN]};
}

static bool take_table(struct mp_python *python)
{
    uint64_t table[TABLE];
    if (!mp_memory_read(python->mem, python->runtime, table, sizeof table) ||
        memcmp(table, "xdebugpy", 8) != 0)
        return false;
    python->free_threaded = table[WORD_FREE_THREADED];
    for (size_t i = 0; i < sizeof table_rows / sizeof *table_rows; i++) {
        const struct table_row *row = &table_rows[i];
        if (row->minor != mp_python_minor(python))
            continue;
        python->layout =
            (struct mp_python_layout){.main = table[WORD_INTERPRETERS] + sizeof(uint64_t),
                                      .finalizing = table[WORD_FINALIZING],
                                      .threads = table[WORD_THREADS],
                                      .holder = table[row->holder],
                                      .locked = table[row->locked],
                                      .next = table[row->next],
                                      .interpreter = table[row->interpreter],
                                      .native_id = table[row->native_id],
                                      .status = table[row->native_id + STATUS_BEHIND_ID]};
        python->remote = remote_of(table, row->remote);
        return true;
    }
    return false;
}

static bool take_layout(struct mp_python *python)
{
    if (mp_python_major(python) != 3)
        return false;
    if (mp_python_minor(python) == 11)
        python->layout = layout_311;
    else if (mp_python_minor(python) == 12)
        python->layout = layout_312;
    else
        return take_table(python);
    return true;
}

/* Of the object that has the interpreter. */
static enum mp_python_found look_in(struct mp_python *python,
                                    const struct mp_symbols *symbols)
{
    uint64_t version = mp_symbols_find(symbols, "Py_Version"), value = 0;
    python->run = mp_symbols_find(symbols, "PyRun_SimpleString");
    if (!python->run)
        return MP_PYTHON_NONE;
    if (mp_symbols_find(symbols, "PyPy_IsInitialized"))
        return MP_PYTHON_OTHER;
    if (!version || !read_word(python, version, &value))
        return MP_PYTHON_OLD;
    python->version = (uint32_t)value;
    python->runtime = mp_symbols_find(symbols, "_PyRuntime");
    python->add_pending = mp_symbols_find(symbols, "Py_AddPendingCall");
    python->ensure = mp_symbols_find(symbols, "PyGILState_Ensure");
    python->release = mp_symbols_find(symbols, "PyGILState_Release");
    if (!python->runtime || !python->add_pending || !python->ensure || !python->release)
        return MP_PYTHON_HIDDEN;
    return take_layout(python) ? MP_PYTHON_FOUND : MP_PYTHON_UNKNOWN;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* What handlers of signals return to has no name that is exported. */
static uint64_t find_restorer(int mem, const struct mp_mapping *text)
{
    uint64_t length = text->end - text->start;
    unsigned char *code = length <= MOST_TEXT ? malloc(length) : NULL;
    uint64_t found = 0;
    if (code && mp_memory_read(mem, text->start, code, length)) {
        size_t at = mp_machine_find_restorer(code, length);
        found = at < length ? text->start + at : 0;
    }
    free(code);
    return found;
}

static bool is_restorers(const struct mp_mapping *mapping, const char *libc)
{
    return mapping->executable &&
           !strcmp(mapping->path, MP_MACHINE_RESTORER_IN_VDSO ? "[vdso]" : libc);
}

/* In the first object that has both, which is the C library. */
static bool find_libc(struct mp_python *python, const struct mp_mappings *mappings)
{
    const char *libc = NULL;
    for (size_t i = 0; i < mappings->count && !libc; i++) {
        const struct mp_mapping *one = &mappings->items[i];
        struct mp_symbols symbols;
        if (one->offset || *one->path != '/' ||
            (!strstr(base_of(one->path), "libc") && !strstr(base_of(one->path), "musl")) ||
            !mp_symbols_open(&symbols, python->mem, one->start))
            continue;
        python->copy = mp_symbols_find(&symbols, "memccpy");
        python->map = mp_symbols_find(&symbols, "mmap");
        if (!python->copy || !python->map)
            continue;
        libc = one->path;
        python->is_glibc = mp_symbols_find(&symbols, "gnu_get_libc_version");
    }
    for (size_t i = 0; libc && i < mappings->count && !python->restorer; i++)
        if (is_restorers(&mappings->items[i], libc))
            python->restorer = find_restorer(python->mem, &mappings->items[i]);
    return python->restorer;
}

static uint64_t end_of(const struct mp_mappings *mappings, uint64_t address)
{
    uint64_t end = address;
    for (size_t i = 0; i < mappings->count; i++)
        if (mappings->items[i].start <= end && mappings->items[i].end > end &&
            mappings->items[i].writable)
            end = mappings->items[i].end; /* what it begins with may be another mapping */
    return end;
}

/* Another program may have a core of its own, which exports no such thing. */
static uint64_t find_own_run(int mem, const struct mp_mappings *mappings)
{
    uint64_t found = 0;
    for (size_t i = 0; i < mappings->count && !found; i++) {
        const struct mp_mapping *one = &mappings->items[i];
        struct mp_symbols symbols;
        if (!one->offset && !strncmp(base_of(one->path), "_core.", 6) &&
            mp_symbols_open(&symbols, mem, one->start))
            found = mp_symbols_find(&symbols, MP_ATTACH_RUN);
    }
    return found;
}

enum mp_python_found mp_python_find(struct mp_python *python, int mem,
                                    const struct mp_mappings *mappings, const char *name)
{
    enum mp_python_found found = MP_PYTHON_NONE;
    *python = (struct mp_python){.mem = mem};
    for (size_t i = 0; i < mappings->count && found == MP_PYTHON_NONE; i++) {
        const struct mp_mapping *one = &mappings->items[i];
        struct mp_symbols symbols;
        if (one->offset || *one->path != '/' || !mp_symbols_open(&symbols, mem, one->start))
            continue;
        found = look_in(python, &symbols);
        if (strstr(base_of(one->path), "libpypy"))
            found = MP_PYTHON_OTHER;
    }
    if (found == MP_PYTHON_NONE && !strncmp(name, "pypy", 4))
        found = MP_PYTHON_OTHER;
    if (found == MP_PYTHON_NONE && !strncmp(name, "python", 6))
        found = MP_PYTHON_HIDDEN;
    if (found != MP_PYTHON_FOUND)
        return found;
    python->runtime_end = end_of(mappings, python->runtime);
    python->own_run = find_own_run(mem, mappings);
    return find_libc(python, mappings) ? MP_PYTHON_FOUND : MP_PYTHON_NO_LIBC;
}

static uint64_t main_interpreter(const struct mp_python *python)
{
    uint64_t interpreter = 0;
    read_word(python, python->runtime + python->layout.main, &interpreter);
    return interpreter;
}

enum mp_python_phase mp_python_phase(const struct mp_python *python)
{
    uint64_t interpreter = main_interpreter(python), first = 0, ending = 0;
    if (!interpreter || !read_word(python, interpreter + python->layout.threads, &first) ||
        !first)
        return MP_PYTHON_STARTS;
    return read_word(python, python->runtime + python->layout.finalizing, &ending) && ending
               ? MP_PYTHON_ENDS
               : MP_PYTHON_RUNS;
}

static bool holds_lock(const struct mp_python *python, uint64_t interpreter, uint64_t state)
{
    const struct mp_python_layout *layout = &python->layout;
    uint64_t lock = layout->lock_is_global ? python->runtime : interpreter, holder = 0;
    int32_t locked = 0;
    if (layout->gil && !read_word(python, interpreter + layout->gil, &lock))
        return true; /* in doubt nothing is done that asks for it */
    return !read_word(python, lock + layout->holder, &holder) ||
           !mp_memory_read(python->mem, lock + layout->locked, &locked, sizeof locked) ||
           (locked && holder == state);
}

/* A thread has a state in each interpreter whose code it runs, and is in the one that it took last. Before 3.12
   it can have the main one's there. */
static bool is_elsewhere(const struct mp_python *python, uint64_t state)
{
    uint32_t status = 0;
    return python->layout.status &&
           mp_memory_read(python->mem, state + python->layout.status, &status,
                          sizeof status) &&
           !(status & BOUND_BIT);
}

struct mp_python_thread mp_python_thread(const struct mp_python *python, pid_t native_id)
{
    const struct mp_python_layout *layout = &python->layout;
    uint64_t interpreter = main_interpreter(python), state = 0, id, next;
    struct mp_python_thread thread = {0};
    if (!interpreter || !read_word(python, interpreter + layout->threads, &state))
        return thread;
    for (int i = 0; i < MOST_THREADS && state; i++, state = next) {
        if (!read_word(python, state + layout->native_id, &id) ||
            !read_word(python, state + layout->next, &next))
            return thread;
        if (id != (uint64_t)native_id)
            continue;
        thread.state = state;
        thread.holds_lock = holds_lock(python, interpreter, state);
        thread.is_main = !next; /* new ones are put before it */
        thread.is_elsewhere = is_elsewhere(python, state);
        return thread;
    }
    return thread;
}

static bool write_at(const struct mp_python *python, uint64_t at, const void *from,
                     size_t length)
{
    return pwrite(python->mem, from, length, (off_t)at) == (ssize_t)length;
}

/* The name is there before its flag, and that before the bit. */
bool mp_python_ask(const struct mp_python *python, const char *file)
{
    const struct mp_python_remote *remote = &python->remote;
    uint64_t interpreter = main_interpreter(python), state = 0, breaker = 0;
    int32_t enabled = 0, asked = 1;
    size_t length = strlen(file) + 1;
    if (length > remote->script_size ||
        !mp_memory_read(python->mem, interpreter + remote->enabled, &enabled,
                        sizeof enabled) ||
        enabled != 1 || !read_word(python, interpreter + remote->main, &state) || !state)
        return false;
    return write_at(python, state + remote->script, file, length) &&
           write_at(python, state + remote->asked, &asked, sizeof asked) &&
           read_word(python, state + remote->breaker, &breaker) &&
           write_at(python, state + remote->breaker, &(uint64_t){breaker | ASKED_BIT},
                    sizeof breaker);
}

void mp_python_ask_no_more(const struct mp_python *python, const char *file)
{
    const struct mp_python_remote *remote = &python->remote;
    uint64_t interpreter = main_interpreter(python), state = 0;
    char its[256];
    size_t length = strlen(file) + 1;
    int32_t asked = 0;
    if (length <= remote->script_size && length <= sizeof its &&
        read_word(python, interpreter + remote->main, &state) && state &&
        mp_memory_read(python->mem, state + remote->script, its, length) &&
        !memcmp(its, file, length))
        write_at(python, state + remote->asked, &asked, sizeof asked);
}

bool mp_python_has(const struct mp_python *python, uint64_t address)
{
    uint64_t interpreter = main_interpreter(python);
    enum { INTERPRETER = 1 << 20 };
    return (address >= python->runtime && address < python->runtime_end) ||
           (address >= interpreter && address < interpreter + INTERPRETER);
}
