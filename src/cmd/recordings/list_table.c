#include "cmd/recordings/list_table.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "cmd/shared/default_names.h"
#include "report/heap/parts.h"

enum { LEAST_COMMAND = 12, CELL = 48 };

/* "2.1 s", "14 min", "3.5 h". */
static void put_duration(char cell[CELL], int64_t duration)
{
    double seconds = (double)duration / 1e9;
    if (duration < 0)
        strcpy(cell, "-");
    else if (seconds < 100)
        snprintf(cell, CELL, "%.1f s", seconds);
    else if (seconds < 7200)
        snprintf(cell, CELL, "%.0f min", seconds / 60);
    else
        snprintf(cell, CELL, "%.1f h", seconds / 3600);
}

/* hh:mm:ss dd/mm/yyyy: of a default name as the classic has it, from its digits. */
static void put_began(char cell[CELL], const struct mp_entry *entry)
{
    struct tm when;
    time_t seconds = (time_t)(entry->started / 1000000000);
    const char *d =
        mp_profiles_is_listed(entry->name) ? mp_profiles_stamp(entry->name) : NULL;
    if (d)
        snprintf(cell, CELL, "%.2s:%.2s:%.2s %.2s/%.2s/%.4s", d + 8, d + 10, d + 12, d + 6,
                 d + 4, d);
    else if (!entry->started || !localtime_r(&seconds, &when) ||
             !strftime(cell, CELL, "%H:%M:%S %d/%m/%Y", &when))
        strcpy(cell, "-");
}

/* Columns of UTF-8: bytes that begin a character. */
static int columns_of(const char *text)
{
    int columns = 0;
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

/* Owned; NULL without memory. */
static char *visible(const char *text)
{
    char *shown = NULL;
    size_t size;
    FILE *out = open_memstream(&shown, &size);
    if (!out)
        return NULL;
    mp_escape_terminal(out, text, strlen(text), false);
    fclose(out);
    return shown;
}

/* As many characters as fit, with "..." where some did not. */
static void put_cut(FILE *out, const char *text, int room)
{
    if (columns_of(text) <= room) {
        fputs(text, out);
        return;
    }
    const char *end = text;
    for (int columns = 0; *end; end++)
        if (((unsigned char)*end & 0xc0) != 0x80 && ++columns > room - 3)
            break;
    fprintf(out, "%.*s...", (int)(end - text), text);
}

/* "python3 job.py" says as much as the whole path of an interpreter does. */
static const char *without_folder(const char *command)
{
    size_t length = strcspn(command, " ");
    const char *base = memrchr(command, '/', length);
    return base && !strncmp(base, "/python", 7) ? base + 1 : command;
}

static void put_command(FILE *out, const struct mp_entry *entry, int room)
{
    char *command = visible(entry->command ? without_folder(entry->command) : ""),
         note[CELL] = "";
    if (entry->children)
        snprintf(note, sizeof note, ", %zu %s", entry->children,
                 entry->children == 1 ? "child" : "children");
    int left = room - columns_of(note);
    if (command && room)
        put_cut(out, command, left < LEAST_COMMAND ? LEAST_COMMAND : left);
    else
        fputs(command ? command : "", out);
    fputs(note, out);
    free(command);
}

static void put_row(FILE *out, size_t index, const struct mp_entry *entry, const char *name,
                    int names, int width)
{
    char began[CELL], lasted[CELL], size[MP_HEAP_FIGURE] = "-";
    put_began(began, entry);
    put_duration(lasted, entry->duration);
    if (entry->peak >= 0)
        mp_heap_size(entry->peak, size);
    int at = fprintf(out, "%2zu  %s%*s  %-19s  %-8s  %8s  %10s  ", index, name,
                     names - columns_of(name), "", began,
                     !entry->heap    ? "timeline"
                     : entry->sample ? "sampled"
                                     : "heap",
                     lasted, size);
    at -= (int)strlen(name) - columns_of(name);
    int room = width - at;
    put_command(out, entry, !width ? 0 : room > LEAST_COMMAND ? room : LEAST_COMMAND);
    fputc('\n', out);
}

void mp_list_table(FILE *out, const struct mp_entry *entries, size_t count, int width)
{
    int names = columns_of("recording");
    char **shown = calloc(count + 1, sizeof *shown);
    for (size_t i = 0; shown && i < count; i++) {
        shown[i] = visible(entries[i].name);
        if (shown[i] && columns_of(shown[i]) > names)
            names = columns_of(shown[i]);
    }
    if (count)
        fprintf(out, " #  %-*s  %-19s  %-8s  %8s  %10s  command\n", names, "recording",
                "began", "kind", "duration", "peak");
    for (size_t i = 0; shown && i < count; i++) {
        put_row(out, i, &entries[i], shown[i] ? shown[i] : "", names, width);
        free(shown[i]);
    }
    free(shown);
}
