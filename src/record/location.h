/* CPython's location table (3.11 and later): which line an instruction belongs to. */
#ifndef MP_RECORD_LOCATION_H
#define MP_RECORD_LOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A table, read one entry after the other. */
struct mp_location_reading {
    const unsigned char *at, *end;
    int64_t line;    /* of the latest entry that has one */
    uint64_t passed; /* code units up to the end of the latest entry */
    bool none;       /* the latest entry has no line */
    int first_line;
};

/* Where each stretch of code units on one line begins; read on where the last question ended. */
struct mp_location_stretch {
    struct mp_location_reading reading;
    uint64_t from; /* its first unit */
    int64_t line;  /* -1: the table does not say */
};

void mp_location_begin(struct mp_location_stretch *, const char *table, size_t length,
                       int first_line);

/* The first unit of the stretch that this unit is in, which is not before the one that was last
   returned; the unit itself behind the table's end. */
uint32_t mp_location_start(struct mp_location_stretch *, uint32_t unit);

/* The line of code unit `unit` in a code object that begins at `first_line`; first_line when the
   table does not say. Any bytes will do: nothing behind `length` is read. */
int mp_location_line(const char *table, size_t length, int first_line, uint32_t unit);

/* The same for several units, in ascending order; the table is read once. */
void mp_location_read(struct mp_location_reading *, const char *table, size_t length,
                      int first_line);
int mp_location_read_line(struct mp_location_reading *, uint32_t unit);

/* A line of a code object as its table shows it without its number: which columns and how many code
   units each of its instructions has. Equal where the line was only moved. */
struct mp_location_shape {
    int line;
    uint64_t shape;
};

/* The lines of a code object in ascending order, each once. Writes at most `room` of them, which
   is at least the table's length. Returns how many there are. */
size_t mp_location_shapes(struct mp_location_shape *to, size_t room, const char *table,
                          size_t length, int first_line);

/* The highest line that an instruction of the code object is on; at least first_line. */
int mp_location_last_line(const char *table, size_t length, int first_line);

#endif
