/* Hexadecimal digits, in small letters. */
#ifndef MP_BASE_HEX_H
#define MP_BASE_HEX_H

#include <stdio.h>

/* Its value; -1: it is none. */
static inline int mp_hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Two for each byte. */
static inline void mp_hex_put(FILE *out, const char *bytes)
{
    for (const unsigned char *at = (const unsigned char *)bytes; *at; at++)
        fprintf(out, "%02x", *at);
}

#endif
