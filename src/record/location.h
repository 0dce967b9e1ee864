/* CPython's location table (3.11 and later): which line an instruction belongs to. */
#ifndef MP_RECORD_LOCATION_H
#define MP_RECORD_LOCATION_H

#include <stddef.h>
#include <stdint.h>

/* The line of code unit `unit` in a code object that begins at `first_line`; first_line when the
   table does not say. Any bytes will do: nothing behind `length` is read. */
int mp_location_line(const char *table, size_t length, int first_line, uint32_t unit);

/* The same for several units, in ascending order; the table is read once. */
void mp_location_lines(const char *table, size_t length, int first_line,
                       const uint32_t *units, int *lines, size_t count);

/* The highest line that an instruction of the code object is on; at least first_line. */
int mp_location_last_line(const char *table, size_t length, int first_line);

#endif
