/* Sizes for people: "1.5 MiB"; whole bytes below 1 KiB. */
#ifndef MP_REPORT_SIZE_H
#define MP_REPORT_SIZE_H

#include <stdint.h>

enum { MP_SIZE_ROOM = 24 };

/* Writes into `room`, and returns it. */
const char *mp_size_text(int64_t bytes, char room[MP_SIZE_ROOM]);

#endif
