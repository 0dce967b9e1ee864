#include "base/escape.h"

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

void mp_escape_terminal(FILE *out, const char *text, size_t length, bool keep_tabs)
{
    for (size_t at = 0, size; at < length; at += size) {
        unsigned rune = 0;
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

static void json_rune(FILE *out, unsigned rune)
{
    if (rune == '"' || rune == '\\')
        fprintf(out, "\\%c", (char)rune);
    else if (rune >= 0x20 && rune < 0x7F && rune != '<' && rune != '>' && rune != '&')
        fputc((int)rune, out);
    else if (rune < 0x10000)
        fprintf(out, "\\u%04x", rune);
    else
        fprintf(out, "\\u%04x\\u%04x", 0xD800 + ((rune - 0x10000) >> 10),
                0xDC00 + ((rune - 0x10000) & 0x3FF));
}

void mp_escape_json(FILE *out, const char *text, size_t length)
{
    fputc('"', out);
    for (size_t at = 0, size; at < length; at += size) {
        unsigned rune = 0;
        size = mp_utf8_decode(text + at, length - at, &rune);
        if (!size) {
            size = 1;
            rune = 0xDC00 + (unsigned char)text[at];
        }
        json_rune(out, rune);
    }
    fputc('"', out);
}
