/* Who held objects when a recording ended, or was asked: text for people, JSON in bytes for programs. */
#ifndef MP_REPORT_HEAP_HOLDERS_H
#define MP_REPORT_HEAP_HOLDERS_H

#include "report/heap/json.h"
#include "report/heap/parts.h"
#include "report/heap/process.h"

struct mp_heap_holders_report {
    const struct mp_heap_view *view;
    const char *type, *line; /* this alone, or NULL */
    bool retained;           /* what retains most alone */
    bool waste;              /* what is not needed alone */
    const char *incomplete;
    const char *when; /* "in process 4711 now"; NULL: as the capture has it */
    const struct mp_heap_process *process; /* whose it is, of several; else NULL */
    bool hosts;                            /* these are of several */
    const struct mp_heap_style *style;
};

/* Whether a row is asked for. */
bool mp_heap_holders_shows(const struct mp_heap_holders_report *,
                           const struct mp_heap_holder *);

/* Whether what is not needed is. */
bool mp_heap_holders_show_waste(const struct mp_heap_holders_report *);

void mp_heap_holders_text(FILE *, const struct mp_heap_holders_report *);
void mp_heap_holders_json(FILE *, const struct mp_heap_holders_report *,
                          const struct mp_heap_json_options *);

/* The same but for its last bracket, with whose it is; of another process, as an object in it. */
void mp_heap_holders_json_begin(FILE *, const struct mp_heap_holders_report *,
                                const struct mp_heap_json_options *);
void mp_heap_holders_json_of(FILE *, const struct mp_heap_holders_report *);

#endif
