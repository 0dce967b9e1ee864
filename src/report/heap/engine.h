/* What an engine, as Dask, says of one worker's memory: in a line, and in JSON. */
#ifndef MP_REPORT_HEAP_ENGINE_H
#define MP_REPORT_HEAP_ENGINE_H

#include <stdio.h>

#include "record/heap_engine.h"

/* ", RSS 377.3 MiB when last looked at, of it 0 B managed, limit 400.0 MiB"; nothing where there was no look. */
void mp_heap_put_last_look(FILE *, const struct mp_heap_engine *);

/* , "engine": {...} or null */
void mp_heap_engine_json(FILE *, const struct mp_heap_engine *);

#endif
