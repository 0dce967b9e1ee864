#include "base/escape.h"

#include <string.h>

#include "base/hex.h"

static size_t sequence_length(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead < 0xE0)
        return 2;
    if (lead >= 0xE0 && lead < 0xF0)
        return 3;
    return lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
}

size_t mp_utf8_decode(const char *text, size_t length, unsigned *rune)
{
    static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = length ? sequence_length((unsigned char)text[0]) : 0;
    if (size == 0 || size > length)
        return 0;
    unsigned value = (unsigned char)text[0];
    if (size > 1)
        value &= 0x7Fu >> size;
    for (size_t i = 1; i < size; i++) {
        unsigned char next = (unsigned char)text[i];
        if ((next & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (next & 0x3F);
    }
    if (value < smallest[size] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
        return 0;
    *rune = value;
    return size;
}

/* Characters that drive a terminal or reorder what is read. */
static bool is_control(unsigned rune)
{
    return rune < 0x20 || (rune >= 0x7F && rune < 0xA0) || rune == 0x2028 ||
           rune == 0x2029 || rune == 0x061C || rune == 0x200E || rune == 0x200F ||
           (rune >= 0x202A && rune <= 0x202E) || (rune >= 0x2066 && rune <= 0x2069);
}

static bool is_plain(char c, bool in_json)
{
    if (c < 0x20 || c >= 0x7F)
        return false;
    return !in_json || (c != '"' && c != '\\' && c != '<' && c != '>' && c != '&');
}

/* How many bytes of a text need no second look: they are most of it, and written at once. */
static size_t plain_length(const char *text, size_t length, bool in_json)
{
    size_t plain = 0;
    while (plain < length && is_plain(text[plain], in_json))
        plain++;
    return plain;
}

static void put_plain(FILE *out, const char *text, size_t length)
{
    if (length)
        fwrite(text, 1, length, out);
}

void mp_escape_terminal(FILE *out, const char *text, size_t length, bool keep_tabs)
{
    for (size_t at = 0, size; at < length; at += size) {
        unsigned rune = 0;
        if ((size = plain_length(text + at, length - at, false)) > 0) {
            put_plain(out, text + at, size);
            continue;
        }
        bool shown = (size = mp_utf8_decode(text + at, length - at, &rune)) > 0 &&
                     (!is_control(rune) || (keep_tabs && rune == '\t'));
        if (!size)
            size = 1;
        if (shown) {
            fwrite(text + at, 1, size, out);
            continue;
        }
        for (size_t i = 0; i < size; i++)
            fprintf(out, "\\x%02x", (unsigned char)text[at + i]);
    }
}

void mp_escape_csv(FILE *out, const char *text, size_t length)
{
    fputs(length && memchr("=+-@", text[0], 4) ? "\"'" : "\"", out);
    for (size_t at = 0; at < length;) {
        const char *quote = memchr(text + at, '"', length - at);
        size_t end = quote ? (size_t)(quote - text) : length;
        mp_escape_terminal(out, text + at, end - at, false);
        fputs(quote ? "\"\"" : "", out);
        at = end + 1;
    }
    fputc('"', out);
}

static const char *html_reference(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void mp_escape_html(FILE *out, const char *text, size_t length)
{
    for (size_t at = 0, plain; at < length; at += plain) {
        const char *reference = html_reference(text[at]);
        for (plain = 0; at + plain < length && !html_reference(text[at + plain]);)
            plain++;
        if (reference)
            fputs(reference, out);
        else
            mp_escape_terminal(out, text + at, plain, true);
        plain += reference != NULL;
    }
}

static void put_unit(FILE *out, unsigned unit)
{
    static const char digits[] = "0123456789abcdef";
    const char escaped[] = {'\\',
                            'u',
                            digits[unit >> 12 & 15],
                            digits[unit >> 8 & 15],
                            digits[unit >> 4 & 15],
                            digits[unit & 15]};
    put_plain(out, escaped, sizeof escaped);
}

static void json_rune(FILE *out, unsigned rune)
{
    if (rune == '"' || rune == '\\') {
        const char escaped[] = {'\\', (char)rune};
        put_plain(out, escaped, sizeof escaped);
    } else if (rune < 0x10000) {
        put_unit(out, rune);
    } else {
        put_unit(out, 0xD800 + ((rune - 0x10000) >> 10));
        put_unit(out, 0xDC00 + ((rune - 0x10000) & 0x3FF));
    }
}

void mp_escape_json(FILE *out, const char *text, size_t length)
{
    fputc('"', out);
    for (size_t at = 0, size; at < length; at += size) {
        unsigned rune = 0;
        if ((size = plain_length(text + at, length - at, true)) > 0) {
            put_plain(out, text + at, size);
            continue;
        }
        size = mp_utf8_decode(text + at, length - at, &rune);
        if (!size) {
            size = 1;
            rune = 0xDC00 + (unsigned char)text[at];
        }
        json_rune(out, rune);
    }
    fputc('"', out);
}

void mp_escape_json_or_null(FILE *out, const char *text)
{
    if (text)
        mp_escape_json(out, text, strlen(text));
    else
        fputs("null", out);
}

static size_t put_hex(char *out, const char *text, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        *out++ = '\\';
        *out++ = 'x';
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    return 4 * size;
}

size_t mp_escape_record(char *out, size_t room, const char *text, size_t length,
                        bool keep_blanks)
{
    size_t used = 0;
    for (size_t at = 0, size; at < length; at += size) {
        unsigned rune = 0;
        bool plain = (size = mp_utf8_decode(text + at, length - at, &rune)) > 0 &&
                     !is_control(rune) && rune != '\\' && (rune != ' ' || keep_blanks);
        if (!size)
            size = 1;
        if (used + (plain ? size : 4 * size) > room)
            break;
        if (plain) {
            memcpy(out + used, text + at, size);
            used += size;
        } else {
            used += put_hex(out + used, text + at, size);
        }
    }
    return used;
}

size_t mp_unescape_record(char *text, size_t length)
{
    size_t used = 0;
    for (size_t at = 0; at < length; used++) {
        if (at + 4 <= length && text[at] == '\\' && text[at + 1] == 'x' &&
            mp_hex_digit(text[at + 2]) >= 0 && mp_hex_digit(text[at + 3]) >= 0 &&
            mp_hex_digit(text[at + 2]) + mp_hex_digit(text[at + 3]) > 0) {
            text[used] =
                (char)(mp_hex_digit(text[at + 2]) * 16 + mp_hex_digit(text[at + 3]));
            at += 4;
        } else {
            text[used] = text[at++];
        }
    }
    return used;
}
