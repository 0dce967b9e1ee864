/* Writes a gzip file (RFC 1952) of stored blocks: as large as what is in it, for formats that are
 * defined as gzip'd, where no library that compresses is at hand. */
#ifndef MP_BASE_GZIP_H
#define MP_BASE_GZIP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* How each file of ours begins; the comment is behind it. */
#define MP_GZIP_HEAD "\x1f\x8b\x08\x10\0\0\0\0\0\xff"

enum { MP_GZIP_BLOCK = 65535 };

struct mp_gzip {
    FILE *out; /* borrowed; has the errors */
    uint32_t crc, size, table[256];
    size_t count; /* in the block */
    unsigned char block[MP_GZIP_BLOCK];
};

/* `comment`: for the header, where everybody can read it. */
void mp_gzip_begin(struct mp_gzip *, FILE *out, const char *comment);
void mp_gzip_put(struct mp_gzip *, const void *bytes, size_t length);
void mp_gzip_end(struct mp_gzip *);

#endif
