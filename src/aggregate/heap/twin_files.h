/* Which file of one capture is which of another: the same name, or what is installed or of Python's
 * library under the same name; then the same end of the path, the longest first, where only one
 * file of each has it.
 *
 *     /ci/a/venv/lib/python3.12/site-packages/numpy/x.py  =  /v/lib/python3.13/site-packages/numpy/x.py
 *     /ci/a/src/shop/cache.py                             =  /home/me/shop/cache.py
 */
#ifndef MP_AGGREGATE_HEAP_TWIN_FILES_H
#define MP_AGGREGATE_HEAP_TWIN_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "record/heap.h"

enum { MP_HEAP_BEFORE, MP_HEAP_AFTER, MP_HEAP_SIDES };

struct mp_heap_twin_files {
    uint32_t *numbers[MP_HEAP_SIDES]; /* owned; of each side's codes: the file in both */
    size_t count;
};

/* 0, or -1 with errno ENOMEM. The caller releases it either way. */
int mp_heap_twin_files_init(struct mp_heap_twin_files *,
                            const struct mp_heap_view *const views[MP_HEAP_SIDES]);
void mp_heap_twin_files_release(struct mp_heap_twin_files *);

#endif
