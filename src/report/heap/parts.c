#include "report/heap/parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "base/saturate.h"

/* The analyzer does not know that an opened memory stream gives a text. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-null-dereference"
#endif

enum { TAB = 8, LEAST = 12 /* columns of a file's name */ };

static const char ellipsis[] = "...";

/* Which unit, and how many of it; -1: bytes. */
static int scale(int64_t bytes, double *value)
{
    int unit = 0;
    *value = (double)bytes / 1024;
    if (bytes < 1024)
        return -1;
    for (; *value >= 1023.95 && unit < 4; unit++)
        *value /= 1024;
    return unit;
}

static const char *put_size(int64_t bytes, const char *gap, const char *behind,
                            char room[MP_HEAP_FIGURE])
{
    double value;
    const char *sign = bytes < 0 ? "-" : "";
    int64_t size = bytes < 0 ? mp_difference(0, bytes) : bytes;
    int unit = scale(size, &value);
    if (unit < 0)
        snprintf(room, MP_HEAP_FIGURE, "%s%" PRId64 "%sB", sign, size, gap);
    else
        snprintf(room, MP_HEAP_FIGURE, "%s%.1f%s%c%s", sign, value, gap, "KMGTP"[unit],
                 behind);
    return room;
}

const char *mp_heap_size(int64_t bytes, char room[MP_HEAP_FIGURE])
{
    return put_size(bytes, " ", "iB", room);
}

const char *mp_heap_short_size(int64_t bytes, char room[MP_HEAP_FIGURE])
{
    return put_size(bytes, "", "", room);
}

const char *mp_heap_estimate(const struct mp_heap_header *header, int64_t bytes,
                             char room[MP_HEAP_FIGURE])
{
    return mp_heap_estimate_of(header, bytes, bytes, room);
}

const char *mp_heap_estimate_of(const struct mp_heap_header *header, int64_t bytes,
                                int64_t varied, char room[MP_HEAP_FIGURE])
{
    char error[MP_HEAP_FIGURE];
    mp_heap_size(bytes, room);
    if (header->sample) {
        size_t length = strlen(room);
        snprintf(room + length, MP_HEAP_FIGURE - length, " +-%.16s",
                 mp_heap_size(mp_heap_error(header, varied), error));
    }
    return room;
}

/* Three digits at most but for 1000 to 1023, which a unit reaches: "9.5M", "512K". */
static const char *three_digits(int64_t bytes, char room[MP_HEAP_FIGURE])
{
    double value;
    int unit = scale(bytes, &value);
    if (unit >= 0 && value >= 99.95)
        snprintf(room, MP_HEAP_FIGURE, "%.0f%c", value, "KMGTP"[unit]);
    else
        mp_heap_short_size(bytes, room);
    return room;
}

const char *mp_heap_tight_estimate(const struct mp_heap_header *header, int64_t bytes,
                                   char room[MP_HEAP_FIGURE])
{
    char size[MP_HEAP_FIGURE], error[MP_HEAP_FIGURE];
    if (!header->sample)
        return mp_heap_size(bytes, room);
    snprintf(room, MP_HEAP_FIGURE, "%.12s+-%.12s", three_digits(bytes, size),
             three_digits(mp_heap_error(header, bytes), error));
    return room;
}

int mp_heap_estimate_width(const struct mp_heap_header *header)
{
    return header->sample ? 20 : 11;
}

const char *mp_heap_count(uint64_t number, char room[MP_HEAP_FIGURE])
{
    char digits[MP_HEAP_FIGURE], *to = room;
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = 0;
    return room;
}

const char *mp_heap_signed_count(int64_t number, char room[MP_HEAP_FIGURE])
{
    *room = '-';
    mp_heap_count(number < 0 ? -(uint64_t)number : (uint64_t)number, room + (number < 0));
    return room;
}

const char *mp_heap_blocks(uint64_t blocks, uint64_t bytes, char room[MP_HEAP_FIGURE])
{
    return blocks || !bytes ? mp_heap_count(blocks, room) : strcpy(room, "-");
}

static void put_ascii(FILE *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 128)
            fputc(text[i], out);
        else
            fprintf(out, "\\x%02x", (unsigned char)text[i]);
}

/* Escaped for this terminal; the caller frees it. NULL when there is no memory. */
static char *escape(const struct mp_heap_style *style, const char *text, size_t length,
                    size_t *size)
{
    char *escaped = NULL, *ascii = NULL;
    FILE *stream = open_memstream(&escaped, size);
    if (!stream)
        return NULL;
    mp_escape_terminal(stream, text, length, false);
    fclose(stream);
    if (style->utf8 || !escaped || !(stream = open_memstream(&ascii, size)))
        return escaped;
    put_ascii(stream, escaped, strlen(escaped));
    fclose(stream);
    free(escaped);
    return ascii;
}

static bool is_first_byte(char byte)
{
    return ((unsigned char)byte & 0xC0) != 0x80;
}

static int columns_of(const char *text)
{
    int columns = 0;
    for (; *text; text++)
        columns += is_first_byte(*text);
    return columns;
}

/* The text behind its first `columns` characters. */
static const char *skip(const char *text, int columns)
{
    for (; *text; text++)
        if (is_first_byte(*text) && columns-- == 0)
            break;
    return text;
}

void mp_heap_put_text(FILE *out, const struct mp_heap_style *style, const char *text,
                      size_t length, int columns, enum mp_heap_cut cut)
{
    size_t size;
    int dots = (int)sizeof ellipsis - 1;
    char *escaped = escape(style, text, length, &size);
    int wide = escaped ? columns_of(escaped) : 0;
    columns = columns && columns <= dots ? dots + 1 : columns;
    if (!columns || wide <= columns)
        fputs(escaped ? escaped : "", out);
    else if (cut == MP_HEAP_CUT_START)
        fprintf(out, "%s%s", ellipsis, skip(escaped, wide - columns + dots));
    else
        fprintf(out, "%.*s%s", (int)(skip(escaped, columns - dots) - escaped), escaped,
                ellipsis);
    free(escaped);
}

void mp_heap_put_file(FILE *out, const struct mp_heap_style *style,
                      const struct mp_heap_view *view, struct mp_heap_text file,
                      int columns)
{
    struct mp_heap_text name =
        style->paths ? mp_heap_paths_short(style->paths, file) : file;
    mp_heap_put_text(out, style, view->text + name.offset, name.length, columns,
                     MP_HEAP_CUT_START);
}

/* How many columns a file's name takes. */
static int width_of(const struct mp_heap_style *style, const struct mp_heap_view *view,
                    struct mp_heap_text file)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return 0;
    mp_heap_put_file(stream, style, view, file, 0);
    fclose(stream);
    int columns = columns_of(text);
    free(text);
    return columns;
}

void mp_heap_put_place(FILE *out, const struct mp_heap_style *style,
                       const struct mp_heap_view *view, uint32_t code, int line,
                       int columns)
{
    const struct mp_heap_code *its = &view->codes[code];
    char number[MP_HEAP_FIGURE] = "", *name = NULL;
    size_t size;
    FILE *stream = open_memstream(&name, &size);
    if (!code || !stream) {
        fputs("(no Python code running)", out);
    } else {
        int length = its->file.length ? snprintf(number, sizeof number, ":%d ", line) : 0;
        int half = columns / 2, file = columns ? width_of(style, view, its->file) : 0;
        int room = columns - length - file;
        int beside = columns - length - LEAST; /* what the file leaves */
        half = half <= beside ? half : beside > LEAST ? beside : LEAST;
        half = columns ? half : 0;
        mp_heap_put_text(stream, style, view->text + its->name.offset, its->name.length,
                         room > half ? room : half, MP_HEAP_CUT_END);
        fflush(stream);
        room = columns - length - columns_of(name);
        mp_heap_put_file(out, style, view, its->file,
                         !columns       ? 0
                         : room > LEAST ? room
                                        : LEAST);
        fprintf(out, "%s%s", number, name);
    }
    if (stream)
        fclose(stream);
    free(name);
}

void mp_heap_begin_place(FILE *out, const struct mp_heap_style *style, bool users)
{
    if (style->colour && users)
        fputs("\033[1m", out);
}

void mp_heap_end_place(FILE *out, const struct mp_heap_style *style, bool users)
{
    if (style->colour && users)
        fputs("\033[0m", out);
}

void mp_heap_put_source(FILE *out, const struct mp_heap_style *style, const char *text,
                        size_t length, int columns)
{
    char *blanks = NULL;
    size_t size, column = 0;
    FILE *stream = open_memstream(&blanks, &size);
    if (!stream)
        return;
    while (length && strchr("\r\n\f", text[length - 1]))
        length--;
    for (size_t i = 0; i < length; i++, column++) {
        fputc(text[i] == '\t' ? ' ' : text[i], stream);
        for (; text[i] == '\t' && (column + 1) % TAB; column++)
            fputc(' ', stream);
    }
    fclose(stream);
    mp_heap_put_text(out, style, blanks, size, columns, MP_HEAP_CUT_END);
    free(blanks);
}

void mp_heap_put_time(FILE *out, int64_t wall)
{
    char text[64] = "";
    time_t seconds = (time_t)(wall / 1000000000);
    struct tm parts;
    if (localtime_r(&seconds, &parts))
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
    fputs(text, out);
}
