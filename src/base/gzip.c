#include "base/gzip.h"

#include <stdbool.h>
#include <string.h>

/* CRC-32 as Ethernet has it, lowest bit first. */
static void fill_table(uint32_t *table)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
        table[byte] = crc;
    }
}

/* About 2 ns a byte. */
static void count_in(struct mp_gzip *gzip, const unsigned char *bytes, size_t length)
{
    uint32_t crc = ~gzip->crc;
    for (size_t i = 0; i < length; i++)
        crc = crc >> 8 ^ gzip->table[(crc ^ bytes[i]) & 255];
    gzip->crc = ~crc;
    gzip->size += (uint32_t)length;
}

static void put_number(FILE *out, uint32_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        fputc((int)(number >> 8 * i & 255), out);
}

static void put_block(struct mp_gzip *gzip, bool last)
{
    fputc(last, gzip->out);
    put_number(gzip->out, (uint32_t)gzip->count, 2);
    put_number(gzip->out, ~(uint32_t)gzip->count, 2);
    fwrite(gzip->block, 1, gzip->count, gzip->out);
    count_in(gzip, gzip->block, gzip->count);
    gzip->count = 0;
}

void mp_gzip_begin(struct mp_gzip *gzip, FILE *out, const char *comment)
{
    gzip->out = out;
    gzip->crc = gzip->size = 0;
    gzip->count = 0;
    fill_table(gzip->table);
    fwrite(MP_GZIP_HEAD, 1, sizeof MP_GZIP_HEAD - 1, out);
    fwrite(comment, 1, strlen(comment) + 1, out);
}

void mp_gzip_put(struct mp_gzip *gzip, const void *bytes, size_t length)
{
    const unsigned char *from = bytes;
    while (length) {
        size_t room = MP_GZIP_BLOCK - gzip->count, part = length < room ? length : room;
        memcpy(gzip->block + gzip->count, from, part);
        gzip->count += part;
        from += part;
        length -= part;
        if (gzip->count == MP_GZIP_BLOCK)
            put_block(gzip, false);
    }
}

void mp_gzip_end(struct mp_gzip *gzip)
{
    put_block(gzip, true);
    put_number(gzip->out, gzip->crc, 4);
    put_number(gzip->out, gzip->size, 4);
}
