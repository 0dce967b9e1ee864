/* Mappings that an allocator takes addresses from without using them all (MAP_NORESERVE, 64 MiB and
 * more): what they count for is what is resident of them, looked up from time to time. The stack
 * that mapped one has it all: nobody sees who touches a page.
 */
#ifndef MP_CAPTURE_HOOKS_PYTHON_POOLS_H
#define MP_CAPTURE_HOOKS_PYTHON_POOLS_H

#include <stdint.h>

/* Before a recording. */
void mp_pools_start(void);

/* One was mapped, changed or unmapped. */
void mp_pools_note_change(void);

/* Brings the books up to date, not too often: at most a hundredth of the time goes there. `now`: ns
   since the start. With the turn. */
void mp_pools_look(int64_t now);

/* The same whatever it takes. */
void mp_pools_look_now(void);

#endif
