/* Line tracing on CPython 3.11 across switches of greenlets. */
#ifndef MP_CAPTURE_LINES_TRACE_GREENLET_H
#define MP_CAPTURE_LINES_TRACE_GREENLET_H

/* The first traced frame of the thread opens; the last one closes. Leave exceptions as found. */
void mp_greenlet_watch(void);
void mp_greenlet_unwatch(void);

#endif
