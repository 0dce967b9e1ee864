/* Sizes of anything from one byte to all of memory, for columns where 0.000 MiB would hide them:
 *
 *        56   B      whole bytes below 1 KiB
 *     1.500 KiB      then KiB and, from 1 MiB on, MiB like the columns beside
 */
#ifndef MP_REPORT_LINES_SIZE_H
#define MP_REPORT_LINES_SIZE_H

#include <stdint.h>

enum { MP_SIZE_ROOM = 512 }; /* for 100 decimals */

/* The size as text, at `room`. */
const char *mp_size_text(int64_t bytes, int precision, char room[MP_SIZE_ROOM]);

#endif
