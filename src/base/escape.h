/* One escaping function per sink, so that no name can forge a record or drive a terminal. */
#ifndef MP_BASE_ESCAPE_H
#define MP_BASE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Terminal: UTF-8 as it is; C0, DEL, C1 and bidirectional controls and bytes that are not
   UTF-8 as \xNN (a control of two or three bytes as \xNN each). A tab stays when `keep_tabs`. */
void mp_escape_terminal(FILE *out, const char *text, size_t length, bool keep_tabs);

/* JSON string with its quotes; ASCII only, bytes that are not UTF-8 as \udcNN (surrogateescape). */
void mp_escape_json(FILE *out, const char *text, size_t length);

/* The same of a string, or null for NULL. */
void mp_escape_json_or_null(FILE *out, const char *text);

/* A quoted CSV field: quotes doubled, controls as in the terminal's form, and ' before what a
   spreadsheet would take for a formula (= + - @). */
void mp_escape_csv(FILE *out, const char *text, size_t length);

/* HTML text or quoted attribute: & < > " ' as references, controls as in the terminal's form. */
void mp_escape_html(FILE *out, const char *text, size_t length);

/* One field of a text record: blanks (unless `keep_blanks`), controls, backslashes and bytes that
   are not UTF-8 become \xNN, so that one record stays one line of fields. Writes at most `room`
   bytes, whole characters only, no terminator; returns how many. No stdio: for other people's
   processes. */
size_t mp_escape_record(char *out, size_t room, const char *text, size_t length,
                        bool keep_blanks);

/* Undoes it in place; returns the new length. A \ that starts no \xNN stays, and so
   does \x00: the result is a string. */
size_t mp_unescape_record(char *text, size_t length);

/* The length in bytes of the UTF-8 character at text (1 to 4), its code point in *rune;
   0 when the bytes are no character. Surrogates (which Python's surrogatepass writes) are none. */
size_t mp_utf8_decode(const char *text, size_t length, unsigned *rune);

#endif
