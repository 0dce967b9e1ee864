/* What line tracing keeps with a code object, in its extra slot, and the lines it can run. */
#ifndef MP_CAPTURE_LINES_TRACE_CODE_H
#define MP_CAPTURE_LINES_TRACE_CODE_H

#include <Python.h>
#include <stdbool.h>
#include <stddef.h>

struct mp_code_notes {
    bool traced;                    /* between mp_trace_code() and mp_trace_forget() */
    bool offered;                   /* the selector was asked */
    int first, last;                /* span of lines; last < first: not known yet */
    int resume_offset, resume_line; /* of the last resumption */
    size_t units;                   /* instructions in the code */
    unsigned char one_line_loop[];  /* by instruction: a backward jump within one line */
};

/* The notes of a code object, made at first use; they live as long as it does. NULL, without an
   exception, when memory is short. */
struct mp_code_notes *mp_code_notes(PyObject *code);

/* The notes of a code object that has some; NULL otherwise. Never fails, never allocates. */
struct mp_code_notes *mp_code_notes_peek(PyObject *code);

/* The line that entering the code completes: of its first decorator or `def`; 0 for the top level
   of a module, whose line 1 is a line like others. */
int mp_trace_entry(const PyCodeObject *);

#endif
