/* The numbers that code objects have in the recording that is open. */
#ifndef MP_CAPTURE_HEAP_PYTHON_NUMBERS_H
#define MP_CAPTURE_HEAP_PYTHON_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

/* Fills in that of each, 0: no stack has it. The code objects are alive; the caller has the interpreter's lock. */
void mp_recording_numbers(const void *const *codes, size_t count, uint32_t *numbers);

#endif
