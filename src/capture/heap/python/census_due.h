/* When what the blocks are is counted while the program goes on: near a new peak, beside marks, and
 * when another process asks. The hooks cannot count, they are in the middle of an allocation: they
 * see that it is due, and say so once they are out of it, to who has the interpreter count at its
 * next safe point.
 */
#ifndef MP_CAPTURE_HEAP_PYTHON_CENSUS_DUE_H
#define MP_CAPTURE_HEAP_PYTHON_CENSUS_DUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum mp_census_why {
    MP_CENSUS_IS_ASKED = 1,
    MP_CENSUS_IS_MARK = 2,
    MP_CENSUS_IS_PEAK = 4,
    MP_CENSUS_IS_HOLDERS = 8, /* not what they are is asked, but who holds them, */
    MP_CENSUS_IS_LOOKED = 16  /* and the child that was to find it has */
};

/* From here on `due` is called when one is: by any thread, without locks, not again before
   mp_census_end(). Returns 0, or -1: it shall be called again. NULL: nobody counts. `often`: not only
   when another process asks. */
void mp_census_watch(int (*due)(void), bool often);

/* One is due when this child has ended, too; 0: there is none. `is_over`: whether it has. */
void mp_census_await(pid_t child, bool (*is_over)(pid_t child));

/* The clock was read. With the biased lock. */
void mp_census_look(int64_t now);

/* Why one is due, as bits, which then are not any more; then it was taken. With the interpreter's lock. */
unsigned mp_census_begin(void);
void mp_census_end(unsigned why);

#endif
