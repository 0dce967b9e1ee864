/* Tags: words that a program sets for what it does, and that its memory is shown by. Those of a
 * moment are in a context variable, so that tasks have their own and hand them on:
 *
 *     (number, (number, None))       the innermost first, then what was there when it was entered
 *
 * The words are kept here by their numbers, for the process.
 */
#ifndef MP_CAPTURE_HEAP_PYTHON_TAGS_H
#define MP_CAPTURE_HEAP_PYTHON_TAGS_H

#include <Python.h>

#include <stdbool.h>

/* The number of a word, from 1 on; that of all those beyond MP_HEAP_TAGS_MOST is one. -1 with an
   exception. With the interpreter's lock, as all below. */
int mp_tags_number(const char *word, size_t length);

/* Whether there is any tag. */
extern bool mp_tags_are_used __attribute__((visibility("hidden")));

/* In a hook: the number of the tag that holds for the calling thread, 0: none does. Neither allocates nor runs
   code. */
int mp_tags_number_now(void);
const char *mp_tags_word(int number);

/* The tag of this number, an int, holds in the current context until it is left there. `*entry`,
   owned, is what the variable got, to be given again. What this allocates is our own. 0, or -1 with an
   exception. */
int mp_tags_enter(PyObject *number, PyObject **entry);

/* Those entered since stay: a generator may be left late, and in a context where it was not entered. */
int mp_tags_leave(PyObject *number);

#endif
