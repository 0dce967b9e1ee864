/* The ends of code objects, told by the interpreter itself: 3.12 and later. */
#ifndef MP_CAPTURE_HEAP_PYTHON_CODE_ENDS_H
#define MP_CAPTURE_HEAP_PYTHON_CODE_ENDS_H

#include <stdbool.h>

/* Has mp_recording_code_ends() called for code of the interpreter that calls. Whether it is from now on. */
bool mp_code_ends_follow(void);

#endif
