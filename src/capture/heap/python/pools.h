/* Large mappings that nobody need use all of (private, anonymous, 16 MiB and more): what they count
 * for is what is resident of them, looked up from time to time and before they are given back. The
 * stack that mapped one has it all: nobody sees who touches a page. The rest is reserved.
 */
#ifndef MP_CAPTURE_HEAP_PYTHON_POOLS_H
#define MP_CAPTURE_HEAP_PYTHON_POOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Before a recording. */
void mp_pools_start(void);

/* One was mapped, changed or unmapped. */
void mp_pools_note_change(void);

/* Whether there was one. Needs no biased lock. */
bool mp_pools_are_any(void);

/* Brings the accounts up to date, not too often: at most a hundredth of the time goes there. `now`: ns
   since the start. With the biased lock. */
void mp_pools_look(int64_t now);

/* The same whatever it takes. */
void mp_pools_look_now(void);

/* The same before so many bytes of one are given back, unless there is far more to look at. Returns
   whether it did. */
bool mp_pools_look_before(size_t bytes);

/* Bytes of them that can be used and were not resident, when they were looked at last. */
int64_t mp_pools_reserved(void);

#endif
